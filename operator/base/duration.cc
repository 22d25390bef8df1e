#include "operator/base/duration.h"
