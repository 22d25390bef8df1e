#include "operator/plan/rules.h"
