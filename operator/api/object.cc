#include "operator/api/object.h"
