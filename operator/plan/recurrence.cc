#include "operator/plan/recurrence.h"
