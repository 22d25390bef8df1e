#include "operator/plan/baseline.h"
