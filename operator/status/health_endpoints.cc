#include "operator/status/health_endpoints.h"
