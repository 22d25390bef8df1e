#include "operator/plan/calendar.h"
