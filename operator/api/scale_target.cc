#include "operator/api/scale_target.h"
