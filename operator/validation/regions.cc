#include "operator/validation/regions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "operator/validation/limits.h"
#include "operator/validation/targets.h"

namespace headroom::validation {
namespace {

// Of many that say the same, the first few tell who to ask.
constexpr std::size_t kNamed = 3;

/// Who says the same of the region, by what they say.
class Complaints {
 public:
  void add(const std::string& who, std::vector<Finding> findings) {
    for (Finding& finding : findings) {
      Complaint& complaint = complaints_[{finding.field, finding.message}];
      if (complaint.who.size() < kNamed) complaint.who.push_back(who);
      ++complaint.times;
    }
  }
  std::vector<Finding> take() const {
    std::vector<Finding> all;
    for (const auto& [what, complaint] : complaints_) {
      std::string who = absl::StrJoin(complaint.who, ", ");
      if (complaint.times > complaint.who.size()) {
        absl::StrAppend(&who, " and ", complaint.times - complaint.who.size(), " more");
      }
      all.push_back({Finding::Severity::Warning, "spec", absl::StrCat(who, ": ", what.first, ": ", what.second)});
    }
    return all;
  }

 private:
  struct Complaint {
    std::vector<std::string> who;
    std::size_t times = 0;
  };
  std::map<std::pair<std::string, std::string>, Complaint> complaints_;
};

bool same_cluster(const api::RegionCluster& a, const api::RegionCluster& b) {
  return a.type == b.type && a.kubeconfig_secret == b.kubeconfig_secret;
}

}  // namespace

std::vector<Finding> check(const api::Region& region, const Snapshot& others) {
  Snapshot after = others;
  std::erase_if(after.regions, [&](const auto& one) { return one->meta.name == region.meta.name; });
  std::vector<std::string> same;
  for (const auto& other : after.regions) {
    if (!other->meta.deleted && same_cluster(other->spec.cluster, region.spec.cluster))
      same.push_back(other->meta.name);
  }
  std::vector<Finding> findings;
  if (!same.empty()) {
    std::ranges::sort(same);
    findings.push_back({Finding::Severity::Warning, "spec.cluster",
                        absl::StrCat("Region ", absl::StrJoin(same, ", "),
                                     " is the same cluster; each counts capacity by itself: use one Region for it")});
  }
  after.regions.push_back(std::make_shared<const api::Region>(region));
  Complaints complaints;
  for (const auto& target : others.targets) {
    if (target->spec.region != region.meta.name) continue;
    auto all = check(*target, after);
    std::erase_if(
        all, [](const Finding& one) { return one.field == "spec.targetRef" || one.field == "spec.follow.target"; });
    complaints.add(absl::StrCat("ScaleTarget ", target->meta.key().to_string()), std::move(all));
  }
  for (const auto& limit : others.limits) {
    auto all = check_observed(*limit, region.meta.name, after);
    complaints.add(absl::StrCat(api::to_string(limit->kind), " ", limit->meta.key().to_string()), std::move(all));
  }
  std::ranges::move(complaints.take(), std::back_inserter(findings));
  return findings;
}

}  // namespace headroom::validation
