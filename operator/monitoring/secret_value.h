// One key of a Secret, decoded. Pure. Values are credentials: never logged, never put into a message.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace headroom::monitoring {

/// RFC 4648 §4 with its padding, as Kubernetes writes Secrets; line breaks are not expected.
Result<std::string> decode_base64(std::string_view text);

/// data[key] of a v1 Secret. InvalidArgument names Secret, key and the keys that are there.
Result<std::string> secret_value(const nlohmann::json& secret, const std::string& key);

}  // namespace headroom::monitoring
