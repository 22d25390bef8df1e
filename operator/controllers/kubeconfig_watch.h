// The kubeconfig of one region, followed as its Secret changes. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "operator/api/region.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"

namespace headroom::controllers {

class KubeconfigWatch {
 public:
  /// Watches this one Secret by name. `changed` is called from the watch's thread.
  KubeconfigWatch(std::shared_ptr<kube::Reader> home, api::SecretKeyRef ref, const Clock& clock,
                  std::function<void()> changed, std::uint64_t seed);
  ~KubeconfigWatch();

  const api::SecretKeyRef& ref() const { return ref_; }

  struct Answer {
    bool known = false;               ///< false: the first look is still under way
    bool failing = false;             ///< and has met an error, which `problem` tells
    std::optional<std::string> text;  ///< a credential: never logged
    std::string reason, problem;      ///< SecretNotFound, SecretKeyMissing, SecretUnreadable
  };
  Answer look() const;

 private:
  /// What is kept of the Secret: one key.
  struct Content {
    std::string text, problem;
  };
  const api::SecretKeyRef ref_;
  std::shared_ptr<runtime::Store<Content>> store_;
  std::unique_ptr<runtime::Reflector> reflector_;
};

}  // namespace headroom::controllers
