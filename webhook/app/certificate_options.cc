#include "webhook/app/certificate_options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/kube/url.h"

namespace headroom::webhook {
namespace {

/// One that its authority's last third, minus what a rotation takes, covers.
constexpr int kLeavesInAnAuthority = 3;

}  // namespace

Status check_certificate_options(const CertificateOptions& options, const std::string& configuration,
                                 const WebhookAddress& address) {
  const bool files = !options.files.certificate.empty() || !options.files.key.empty();
  if (int{files} + int{!options.directory.empty()} + int{!options.secret.empty()} != 1) {
    return invalid(
        "certificates: needs exactly one of --tls-certificate with --tls-key, --certificate-directory and "
        "--certificate-secret");
  }
  if (files && (options.files.certificate.empty() || options.files.key.empty())) {
    return invalid("--tls-certificate and --tls-key: one needs the other");
  }
  if (!options.files.authorities.empty() && !files) {
    return invalid(
        "--webhook-ca: is for --tls-certificate; --certificate-directory has its own ca.crt, and "
        "--certificate-secret its own authority");
  }
  const bool injected = !address.inject_ca_from.empty();
  if (injected && (options.directory.empty() || configuration.empty())) {
    return invalid("--inject-ca-from: needs --certificate-directory and --webhook-configuration");
  }
  if (!options.secret.empty()) {
    if (configuration.empty()) {
      return invalid(
          "--certificate-secret: needs --webhook-configuration, else no API server would trust a new authority");
    }
    if (options.lifetimes.leaf * kLeavesInAnAuthority > options.lifetimes.authority) {
      return invalid(absl::StrCat("--certificate-seconds: ", absl::ToInt64Seconds(options.lifetimes.leaf),
                                  " is more than a third of --authority-seconds, ",
                                  absl::ToInt64Seconds(options.lifetimes.authority),
                                  ": lower the one or raise the other"));
    }
    // Announcing takes one such time, and the rest of the third is for whatever holds it up.
    if (options.propagation * (2 * kLeavesInAnAuthority) > options.lifetimes.authority) {
      return invalid(absl::StrCat("--propagation-seconds: ", absl::ToDoubleSeconds(options.propagation),
                                  " is more than a sixth of --authority-seconds, ",
                                  absl::ToInt64Seconds(options.lifetimes.authority),
                                  ": lower the one or raise the other"));
    }
    BOOST_OUTCOME_TRYV(names_of_address(address));
  }
  if (files && !configuration.empty() && options.files.authorities.empty()) {
    return invalid("--webhook-configuration: needs --webhook-ca where --tls-certificate is given");
  }
  return ok();
}

Result<std::set<std::string>> names_of_address(const WebhookAddress& address) {
  std::set<std::string> names;
  if (address.url.empty()) {
    names.insert(absl::StrCat(address.service, ".", address.service_ns, ".svc"));
  } else {
    constexpr std::string_view kPath = "/validate";
    const std::string server =
        address.url.ends_with(kPath) ? address.url.substr(0, address.url.size() - kPath.size()) : address.url;
    auto url = kube::parse_server_url(server);
    if (!url) return with_context(url.error(), "--webhook-url");
    names.insert(url.value().host);
  }
  for (const std::string& name : names) {
    const bool plain = std::ranges::all_of(
        name, [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == ':'; });
    if (!plain) return invalid(absl::StrCat("'", name, "' is no host name that a certificate can be for"));
  }
  return names;
}

}  // namespace headroom::webhook
