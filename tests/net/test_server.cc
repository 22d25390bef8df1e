#include "tests/net/test_server.h"

#include <cstdio>
#include <cstdlib>

namespace headroom::net {

namespace {

std::unique_ptr<HttpServer> started(Result<std::unique_ptr<HttpServer>> server) {
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    std::abort();
  }
  return std::move(server).value();
}

}  // namespace

std::unique_ptr<HttpServer> start_server(ServerOptions options, HttpHandler handler) {
  options.address = "127.0.0.1";
  return started(HttpServer::start(std::move(options), std::move(handler)));
}

std::unique_ptr<HttpServer> start_server(ServerOptions options, AsyncHttpHandler handler) {
  options.address = "127.0.0.1";
  return started(HttpServer::start(std::move(options), std::move(handler)));
}

HttpResponse echo(const HttpRequest& request) {
  HttpResponse response;
  response.body = request.method + "\n" + request.target + "\n" + request.content_type + "\n" + request.authorization +
                  "\n" + request.body;
  return response;
}

}  // namespace headroom::net
