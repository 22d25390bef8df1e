#include "operator/kube/client.h"
