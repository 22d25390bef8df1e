#include "operator/cli/redaction.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace headroom::cli {
namespace {

using nlohmann::json;

constexpr char kRedacted[] = "[redacted]";
constexpr char kLastApplied[] = "kubectl.kubernetes.io/last-applied-configuration";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Names of references ("authSecretRef", "kubeconfigSecretRef") hold no secret themselves.
bool names_a_secret(std::string_view field) {
  constexpr std::array<std::string_view, 8> kParts = {"password", "passwd", "token",      "apikey",
                                                      "api-key",  "secret", "kubeconfig", "privatekey"};
  const std::string name = lower(field);
  if (name.ends_with("ref") || name.ends_with("refs") || name.ends_with("name") || name == "continuetoken")
    return false;
  return std::ranges::any_of(kParts, [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

bool looks_secret(const std::string& text) {
  const bool key = text.find("PRIVATE KEY-----") != std::string::npos;
  // Header and claims of a JSON Web Token both begin so, in base64.
  const bool token = text.find("eyJ") != std::string::npos && text.find(".eyJ") != std::string::npos;
  const bool bearer = lower(text).find("bearer ") != std::string::npos;
  const bool kubeconfig =
      text.find("client-key-data") != std::string::npos || text.find("current-context") != std::string::npos;
  return key || token || bearer || kubeconfig;
}

/// "https://user:word@host" → "https://[redacted]@host".
std::string without_password(std::string text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t end = text.find_first_of("/ \t\n\"'", at + 3);
    const std::size_t sign = text.rfind('@', end == std::string::npos ? std::string::npos : end);
    if (sign == std::string::npos || sign < at + 3) continue;
    text.replace(at + 3, sign - at - 3, kRedacted);
  }
  return text;
}

json clean(const json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    return looks_secret(text) ? std::string(kRedacted) : without_password(text);
  }
  if (value.is_array()) {
    json out = json::array();
    for (const json& one : value) out.push_back(clean(one));
    return out;
  }
  if (!value.is_object()) return value;
  json out = json::object();
  // {name: DB_PASSWORD, value: …}, as environments have it.
  const auto name = value.find("name");
  const bool named_secret = name != value.end() && name->is_string() && names_a_secret(name->get<std::string>());
  for (const auto& [field, one] : value.items()) {
    if (field == "managedFields" || field == kLastApplied) continue;
    const bool hidden = (names_a_secret(field) && one.is_string()) || (named_secret && field == "value");
    out[field] = hidden ? json(kRedacted) : clean(one);
  }
  return out;
}

}  // namespace

json redacted(const json& object) {
  json out = clean(object);
  if (!out.is_object()) return out;
  const auto kind = out.find("kind");
  const bool holds_values = kind != out.end() && (*kind == "Secret" || *kind == "ConfigMap");
  for (const char* part : {"data", "stringData", "binaryData"}) {
    if (!holds_values || !out.contains(part) || !out[part].is_object()) continue;
    for (auto& [key, value] : out[part].items()) value = kRedacted;
  }
  return out;
}

}  // namespace headroom::cli
