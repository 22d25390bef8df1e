#include "operator/plan/decide.h"
