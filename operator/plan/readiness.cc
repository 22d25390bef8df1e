#include "operator/plan/readiness.h"
