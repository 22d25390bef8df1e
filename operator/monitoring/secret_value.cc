#include "operator/monitoring/secret_value.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace headroom::monitoring {
namespace {

std::optional<std::uint32_t> sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return invalid("not base64: its length is not a multiple of four");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const bool last = at + 4 == text.size();
    const std::size_t padding = !last || text[at + 3] != '=' ? 0 : text[at + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::optional<std::uint32_t> bits = i < 4 - padding ? sextet(text[at + i]) : 0;
      if (!bits) return invalid(absl::StrCat("not base64: unexpected character at ", at + i));
      group = group << 6 | *bits;
    }
    for (std::size_t i = 0; i < 3 - padding; ++i) bytes.push_back(static_cast<char>(group >> (16 - 8 * i) & 0xFF));
  }
  return bytes;
}

Result<std::string> secret_value(const nlohmann::json& secret, const std::string& key) {
  const nlohmann::json metadata = secret.value("metadata", nlohmann::json::object());
  const std::string name =
      absl::StrCat("Secret ", metadata.value("namespace", ""), "/", metadata.value("name", ""), " key '", key, "'");
  const auto data = secret.find("data");
  const bool has_data = data != secret.end() && data->is_object();
  if (!has_data || !data->contains(key)) {
    std::vector<std::string> keys;
    if (has_data) {
      for (const auto& [present, value] : data->items()) keys.push_back(present);
    }
    return invalid(absl::StrCat(
        name, " is missing: ",
        keys.empty() ? "the Secret is empty" : absl::StrCat("the Secret has ", absl::StrJoin(keys, ", "))));
  }
  const nlohmann::json& value = (*data)[key];
  if (!value.is_string()) return invalid(absl::StrCat(name, " is not text"));
  auto decoded = decode_base64(value.get_ref<const std::string&>());
  if (!decoded) return with_context(decoded.error(), name);
  return decoded;
}

}  // namespace headroom::monitoring
