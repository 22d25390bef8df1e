#include "operator/certificates/certificate_secret.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "operator/certificates/x509.h"

namespace headroom::certificates {
namespace {

using nlohmann::json;

// As in Secrets of type kubernetes.io/tls, so that usual tools can look at it.
constexpr char kLeaf[] = "tls.crt", kLeafKey[] = "tls.key", kAuthority[] = "ca.crt", kAuthorityKey[] = "ca.key";
constexpr char kNext[] = "next-ca.crt", kNextKey[] = "next-ca.key";

std::string text_at(const json& object, const char* part, const char* key) {
  const auto inside = object.find(part);
  if (inside == object.end() || !inside->is_object()) return "";
  const auto it = inside->find(key);
  return it != inside->end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::string metadata_text(const json& secret, const char* part, const char* key) {
  const auto metadata = secret.find("metadata");
  return metadata == secret.end() || !metadata->is_object() ? "" : text_at(*metadata, part, key);
}

Result<std::string> data_at(const json& secret, const char* key) {
  std::string decoded;
  if (!absl::Base64Unescape(text_at(secret, "data", key), &decoded) || decoded.empty()) {
    return invalid(absl::StrCat("data.", key, " is missing, or not base64"));
  }
  return decoded;
}

Result<Pair> pair_at(const json& secret, const char* certificate, const char* key) {
  BOOST_OUTCOME_TRY(certificate_pem, data_at(secret, certificate));
  BOOST_OUTCOME_TRY(key_pem, data_at(secret, key));
  return Pair{std::move(certificate_pem), std::move(key_pem)};
}

Result<SigningAuthority> authority_at(const json& secret, const char* certificate, const char* key) {
  BOOST_OUTCOME_TRY(pair, pair_at(secret, certificate, key));
  auto authority = read_signing_authority(pair);
  if (!authority) return with_context(authority.error(), absl::StrCat("data.", certificate, " and data.", key));
  return authority;
}

Result<SelfManaged> read(const json& secret) {
  if (metadata_text(secret, "labels", kSecretComponentLabel) != kSecretComponent) {
    return invalid(absl::StrCat("it lacks the label ", kSecretComponentLabel, ": ", kSecretComponent,
                                " and so is somebody else's"));
  }
  SelfManaged content;
  BOOST_OUTCOME_TRY(current, authority_at(secret, kAuthority, kAuthorityKey));
  content.current = std::move(current);
  if (!text_at(secret, "data", kNext).empty()) {
    BOOST_OUTCOME_TRY(next, authority_at(secret, kNext, kNextKey));
    content.next = std::move(next);
  }
  BOOST_OUTCOME_TRY(pair, pair_at(secret, kLeaf, kLeafKey));
  auto leaf = read_leaf(pair);
  if (!leaf) return with_context(leaf.error(), absl::StrCat("data.", kLeaf, " and data.", kLeafKey));
  content.leaf = std::move(leaf).value();
  if (anchors_of(pair, {content.current.authority}).empty()) {
    return invalid(absl::StrCat("data.", kLeaf, " is not a server's certificate by data.", kAuthority));
  }
  content.rotation_asked = metadata_text(secret, "annotations", kRotateAnnotation);
  content.rotation_done = metadata_text(secret, "annotations", kRotatedAnnotation);
  return content;
}

json data_of(const SelfManaged& content) {
  const auto encoded = [](const std::string& text) { return absl::Base64Escape(text); };
  json data = {{kLeaf, encoded(content.leaf.pair.certificate_pem)},
               {kLeafKey, encoded(content.leaf.pair.key_pem)},
               {kAuthority, encoded(content.current.authority.pem)},
               {kAuthorityKey, encoded(content.current.key_pem)}};
  if (content.next) {
    data[kNext] = encoded(content.next->authority.pem);
    data[kNextKey] = encoded(content.next->key_pem);
  }
  return data;
}

}  // namespace

Result<SelfManaged> self_managed_from_secret(const json& secret) {
  auto content = read(secret);
  if (content) return content;
  const json metadata = secret.value("metadata", json::object());
  return invalid(absl::StrCat("Secret ", metadata.value("namespace", ""), "/", metadata.value("name", ""),
                              " cannot be used for the webhook's certificates: ", content.error().message,
                              "; delete it, and it is made anew, or name another by --certificate-secret"));
}

json secret_of(const SelfManaged& content, const std::string& ns, const std::string& name) {
  json annotations = json::object();
  if (!content.rotation_asked.empty()) annotations[kRotateAnnotation] = content.rotation_asked;
  if (!content.rotation_done.empty()) annotations[kRotatedAnnotation] = content.rotation_done;
  const json labels = {{kSecretComponentLabel, kSecretComponent}, {"app.kubernetes.io/managed-by", "headroom"}};
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "Opaque"},
          {"metadata", {{"namespace", ns}, {"name", name}, {"labels", labels}, {"annotations", annotations}}},
          {"data", data_of(content)}};
}

json secret_patch(const SelfManaged& content, const std::string& resource_version) {
  json data = data_of(content);
  if (!content.next) data[kNext] = data[kNextKey] = nullptr;
  json metadata = {{"resourceVersion", resource_version}};
  if (!content.rotation_done.empty()) metadata["annotations"] = {{kRotatedAnnotation, content.rotation_done}};
  return {{"metadata", metadata}, {"data", data}};
}

}  // namespace headroom::certificates
