// Server-side TLS settings from PEM text.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange without including it

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace headroom::net {

/// TLS 1.2 and 1.3 with this certificate chain (leaf first) and its private key. InvalidArgument says which of the two
/// is wrong, or that they do not belong together; it never shows the key.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& certificate_pem,
                                                                    const std::string& key_pem);

}  // namespace headroom::net
