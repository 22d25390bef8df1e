// What the webhook's benchmark reviews: updates of many Deployments, each of the next version of one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::bench {

inline constexpr std::uint32_t kDeployments = 100'000;

/// A Deployment as it is stored. One thread.
class StoredDeployment {
 public:
  StoredDeployment();
  StoredDeployment(const StoredDeployment&) = delete;
  StoredDeployment& operator=(const StoredDeployment&) = delete;
  /// From now on it is number `number` at `version` (10^15 or more, below 10^16).
  void become(std::uint32_t number, std::uint64_t version);
  const nlohmann::json& object() const { return object_; }

 private:
  nlohmann::json object_;
  std::string *name_, *uid_, *version_;  // in it
};

/// The number of the Deployment of this name.
std::uint32_t number_of(std::string_view name);

/// An HTTP request for the review of one update, about 2,200 bytes of JSON as the API server writes it. One thread.
class ReviewRequest {
 public:
  ReviewRequest();
  /// The update of Deployment `number`, which stands at `version`.
  void aim_at(std::uint32_t number, std::uint64_t version);
  const std::string& text() const { return text_; }
  std::size_t body_size() const { return body_size_; }

 private:
  std::string text_;
  std::vector<std::size_t> numbers_, versions_;  // where they stand in the text
  std::size_t body_size_;
};

}  // namespace headroom::bench
