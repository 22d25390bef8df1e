// A server on a free port of loopback, and the handlers that tests hang into it.
#pragma once

#include <memory>

#include "operator/net/http_server.h"

namespace headroom::net {

/// Starts or aborts; a test without its server says nothing.
std::unique_ptr<HttpServer> start_server(ServerOptions options, HttpHandler handler);
std::unique_ptr<HttpServer> start_server(ServerOptions options, AsyncHttpHandler handler);

/// Answers with everything it was asked, one item a line.
HttpResponse echo(const HttpRequest& request);

}  // namespace headroom::net
