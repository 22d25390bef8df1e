#include "operator/net/http_server.h"
