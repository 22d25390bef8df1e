#include "operator/base/clock.h"
