// What the webhook's benchmark reviews: updates of many Deployments, each of the next version of one of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace headroom::bench {

inline constexpr std::uint32_t kDeployments = 100'000;

/// The Deployment number `number` as it is stored at `version`. An object to be changed by set_identity().
nlohmann::json stored_deployment();
/// Name, uid and resourceVersion.
void set_identity(nlohmann::json& deployment, std::uint32_t number, std::uint64_t version);

/// The number of the Deployment of this name.
std::uint32_t number_of(std::string_view name);

/// An HTTP request for the review of one update, about 2,200 bytes of JSON as the API server writes it. One thread.
class ReviewRequest {
 public:
  ReviewRequest();
  /// The update of Deployment `number`, which stands at `version` (10^15 or more, below 10^16).
  void aim_at(std::uint32_t number, std::uint64_t version);
  const std::string& text() const { return text_; }
  std::size_t body_size() const { return body_size_; }

 private:
  std::string text_;
  std::vector<std::size_t> numbers_, versions_;  // where they stand in the text
  std::size_t body_size_;
};

}  // namespace headroom::bench
