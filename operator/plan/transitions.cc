#include "operator/plan/transitions.h"
