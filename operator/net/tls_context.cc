#include "operator/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>

namespace headroom::net {

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& certificate_pem,
                                                                    const std::string& key_pem) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // The API server, our main client, keeps connections open and resumes no sessions: tickets would be wasted work.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  // A record's header and its content come out of memory: nothing is gained by asking for them apart.
  SSL_CTX_set_read_ahead(native, 1);
  // A PEM block with a passphrase must not ask for it on the terminal.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });

  boost::system::error_code problem;
  context->use_certificate_chain(boost::asio::buffer(certificate_pem), problem);
  if (problem) {
    return invalid("the TLS certificate is not a PEM certificate chain (" + problem.message() +
                   "): give the leaf and its intermediates, leaf first");
  }
  context->use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, problem);
  if (problem) {
    ERR_clear_error();
    return invalid("the TLS key is not the unencrypted PEM private key of the certificate (" + problem.message() +
                   "): give the key that the certificate was issued for");
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return invalid("the TLS key does not belong to the certificate: give the key that the certificate was issued for");
  }
  return context;
}

}  // namespace headroom::net
