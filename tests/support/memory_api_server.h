// An API server in memory, behind the Transport seam: objects of any kind, merge and apply patches, resource versions
// and their preconditions, finalizers, lists by selector, watches. What controllers do against it can be asserted on as
// on a real one, in milliseconds and with faults at will. It validates nothing and knows no admission. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/transport.h"

namespace headroom::testing {

class MemoryApiServer final : public kube::Transport, public std::enable_shared_from_this<MemoryApiServer> {
 public:
  static std::shared_ptr<MemoryApiServer> make() { return std::make_shared<MemoryApiServer>(); }

  // --- the test's side ---

  /// Puts an object as another user would; `path` is that of the object: "/api/v1/namespaces/shop/configmaps/flags".
  /// Sets metadata.namespace, name, uid, resourceVersion and generation.
  void put(const std::string& path, nlohmann::json object);
  /// Merges into an object as another user would.
  void edit(const std::string& path, const nlohmann::json& merge_patch);
  /// Deletes it as a user would: with finalizers, it only gets its deletionTimestamp.
  void erase(const std::string& path);
  /// The object, or null.
  nlohmann::json get(const std::string& path) const;
  /// "PATCH /api/v1/…" of every request that changed something, oldest first.
  std::vector<std::string> writes() const;
  /// Of merge and apply patches that did not say which version of an existing object they change: its path.
  std::vector<std::string> unconditional_writes() const;

  /// While true no request gets an answer: Unavailable at once.
  void set_down(bool down);
  /// While true requests hang until they time out or are cancelled.
  void set_hanging(bool hanging);
  /// Answers requests that `matches` with `status` instead of carrying them out; one rule at a time.
  void refuse(std::function<bool(const kube::Request&)> matches, int status);
  void refuse_nothing() { refuse({}, 0); }
  /// Answers for paths that are no objects: "/version", "/readyz".
  void answer(const std::string& path, int status, std::string body);

  /// Waits until `holds`, asked after every change; false after `at_most`.
  bool await(const std::function<bool()>& holds, std::chrono::milliseconds at_most = std::chrono::seconds(10)) const;

  // --- the client's side ---

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override;
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request& request, std::stop_token stop) override;

 private:
  class WatchStream;
  struct Change {
    std::int64_t version = 0;
    std::string type, path;
    nlohmann::json object;
  };

  kube::Response answer_to(const kube::Request& request);  // mutex held, as all below
  kube::Response list(const std::string& collection, const kube::Request& request) const;
  kube::Response create(const std::string& collection, const kube::Request& request);
  kube::Response patch(const std::string& path, const std::string& subresource, const kube::Request& request);
  kube::Response remove(const std::string& path, const kube::Request& request);
  void store(const std::string& path, nlohmann::json object, const char* type);
  void drop(const std::string& path);
  void mark_deleted(const std::string& path);
  std::optional<Error> outage(std::unique_lock<std::mutex>& lock, const kube::Request& request,
                              const std::stop_token& stop);

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::map<std::string, nlohmann::json> objects_;
  std::map<std::string, std::vector<std::string>> applied_keys_;  ///< of data, by path: what an apply may drop again
  std::vector<Change> changes_;
  std::map<std::string, kube::Response> answers_;
  std::vector<std::string> writes_, unconditional_writes_;
  std::int64_t version_ = 0;
  bool down_ = false, hanging_ = false;
  std::function<bool(const kube::Request&)> refused_;
  int refusal_ = 0;
};

}  // namespace headroom::testing
