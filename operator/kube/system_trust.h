// The certificate authorities that the machine trusts, loaded once for the whole process. cpprestsdk makes OpenSSL load
// them anew for every connection (25-50 ms of CPU each, measured), whether they are used or not.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headroom::kube {

/// Points OpenSSL's default places at nothing, for the rest of the process. Before there are threads; once.
void stop_default_trust_loading();

/// The machine's authorities, from where they were before stop_default_trust_loading. Thread-safe.
std::shared_ptr<X509_STORE> system_trust();

/// The variables that stop_default_trust_loading changed, with what they were (empty: not set), for child processes.
const std::vector<std::pair<std::string, std::optional<std::string>>>& original_trust_environment();

}  // namespace headroom::kube
