// A blocking client that sends exactly the bytes a test gives it, over TCP or TLS on loopback.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::net {

class RawClient {
 public:
  enum class Tls { None, Newest, Version1_2, Version1_1 };

  /// Connects to 127.0.0.1. With TLS, trusts exactly the certificate `trusted_pem` (for the name localhost) and ends
  /// the handshake before it returns; connected() tells how that went. Every wait ends after ten seconds.
  explicit RawClient(std::uint16_t port, Tls tls = Tls::None, const std::string& trusted_pem = "");
  ~RawClient();
  RawClient(RawClient&&) noexcept;

  bool connected() const;
  /// False when the peer has closed or reset the connection.
  bool send(std::string_view bytes);
  /// Says that nothing more will be sent, and goes on reading. Below TLS, without its goodbye.
  void end_sending();
  /// Closes without a goodbye: the peer sees a reset.
  void reset();
  /// One response: its header block and as much body as Content-Length says (none after HEAD). Empty when the peer
  /// closed the connection before a whole one came.
  std::string response(bool without_body = false);
  /// Whether something has come, or the connection has ended, within `patience`.
  bool readable(std::chrono::milliseconds patience);
  /// Waits until the peer ends the connection; false when it has not within `patience`. Drops what comes before.
  bool ended(std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A complete POST with a JSON body.
std::string post(std::string_view target, std::string_view body, std::string_view more_headers = "");
std::string get(std::string_view target, std::string_view more_headers = "");

}  // namespace headroom::net
