#include "operator/base/log.h"
