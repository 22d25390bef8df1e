#include "operator/runtime/metrics.h"
