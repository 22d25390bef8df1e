// The Secret that holds the self-managed certificates ↔ SelfManaged. Pure but for OpenSSL's checks.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/base/result.h"
#include "operator/certificates/self_managed.h"

namespace headroom::certificates {

/// Marks a Secret as ours: without it, its content is somebody else's and is left alone.
inline constexpr char kSecretComponentLabel[] = "headroom.dev/component";
inline constexpr char kSecretComponent[] = "webhook-certificates";
/// People ask for new authorities by another value of the first; the second is the last value that was served.
inline constexpr char kRotateAnnotation[] = "headroom.dev/rotate";
inline constexpr char kRotatedAnnotation[] = "headroom.dev/rotated";

/// Errors name the Secret and the key in it, and say what to do; never what a key holds.
Result<SelfManaged> self_managed_from_secret(const nlohmann::json& secret);

/// For a create.
nlohmann::json secret_of(const SelfManaged& content, const std::string& ns, const std::string& name);
/// For a merge patch that fails when somebody was faster than this version. What others wrote on it stays.
nlohmann::json secret_patch(const SelfManaged& content, const std::string& resource_version);

}  // namespace headroom::certificates
