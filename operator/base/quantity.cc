#include "operator/base/quantity.h"
