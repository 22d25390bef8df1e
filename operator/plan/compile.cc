#include "operator/plan/compile.h"
