#include "operator/base/time_zone.h"
