// The body of a request as a string with room behind it (Beast's "Body" concept).
#pragma once

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <string>

#include "operator/net/http_server.h"

namespace headroom::net {

/// As Beast's string_body, which would allocate exactly the announced length, so that the padding would cost a copy.
struct PaddedBody {
  using value_type = std::string;

  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(boost::beast::http::header<IsRequest, Fields>&, std::string& body) : body_(body) {}

    /// The parser has already held `length` against its limit.
    void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& failed) {
      if (length) body_.reserve(static_cast<std::size_t>(*length) + kBodyPadding);
      failed = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& failed) {
      const std::size_t before = body_.size();
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      failed = {};
      return body_.size() - before;
    }
    void finish(boost::system::error_code& failed) { failed = {}; }

   private:
    std::string& body_;
  };
};

}  // namespace headroom::net
