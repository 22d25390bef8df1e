#include "operator/runtime/reflector.h"
