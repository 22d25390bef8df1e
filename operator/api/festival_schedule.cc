#include "operator/api/festival_schedule.h"
