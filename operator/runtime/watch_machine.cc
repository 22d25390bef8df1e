#include "operator/runtime/watch_machine.h"
