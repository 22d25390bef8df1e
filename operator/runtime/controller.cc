#include "operator/runtime/controller.h"
