#include "operator/base/result.h"
