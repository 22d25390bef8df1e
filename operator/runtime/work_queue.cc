#include "operator/runtime/work_queue.h"
