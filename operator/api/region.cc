#include "operator/api/region.h"
