#include "operator/base/backoff.h"
