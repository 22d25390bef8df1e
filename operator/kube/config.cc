#include "operator/kube/config.h"
