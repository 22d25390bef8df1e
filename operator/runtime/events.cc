#include "operator/runtime/events.h"
