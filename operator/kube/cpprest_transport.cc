#include "operator/kube/cpprest_transport.h"
