#include "operator/status/metrics_flags.h"

#include <CLI/CLI.hpp>

#include "operator/net/listen_address.h"

namespace headroom::status {

void MetricsFlags::add_to(CLI::App& app) {
  app.add_option(
      "--metrics-listen", listen_,
      "address and port of /metrics alone, over HTTPS, for those who may get the non-resource URL /metrics by "
      "RBAC; absent: beside /healthz, in plain HTTP and for everybody");
  app.add_flag("--metrics-secure{true}", secure_, "=false: --metrics-listen serves plain HTTP, for everybody");
  app.add_option("--metrics-certificate-directory", certificate_directory_,
                 "mounted Secret with tls.crt and tls.key for --metrics-listen, read again when it changes; absent: a "
                 "certificate of its own making");
}

Result<runtime::MetricsServing> MetricsFlags::serving() const {
  runtime::MetricsServing serving;
  serving.secure = secure_;
  serving.certificate_directory = certificate_directory_;
  if (listen_.empty()) {
    if (!secure_)
      return invalid("--metrics-secure: is for --metrics-listen; without it, /metrics is plain HTTP anyhow");
    if (!certificate_directory_.empty()) return invalid("--metrics-certificate-directory: needs --metrics-listen");
    return serving;
  }
  if (!secure_ && !certificate_directory_.empty()) {
    return invalid("--metrics-certificate-directory: is of no use with --metrics-secure=false; drop one of them");
  }
  BOOST_OUTCOME_TRY(listen, net::parse_listen_address("--metrics-listen", listen_));
  serving.alone = true;
  serving.address = listen.address;
  serving.port = listen.port;
  return serving;
}

}  // namespace headroom::status
