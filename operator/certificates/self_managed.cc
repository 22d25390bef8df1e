#include "operator/certificates/self_managed.h"

#include <algorithm>
#include <utility>

namespace headroom::certificates {
namespace {

bool over(absl::Time not_after, absl::Time now) { return now >= not_after; }

/// Two thirds of a life, and up to a twentieth more.
bool due(absl::Time not_before, absl::Time not_after, const Circumstances& circumstances) {
  const absl::Time made = not_before + kBackdated;
  return circumstances.now >= made + (not_after - made) * (2.0 / 3 + circumstances.jitter / 20);
}

bool covers(const Leaf& leaf, const std::set<std::string>& names) { return std::ranges::includes(leaf.names, names); }

}  // namespace

Offer offer_of(const SelfManaged& content) {
  Offer offer{content.leaf, {content.current.authority.id}, {content.current.authority}};
  if (content.next) offer.trusted.push_back(content.next->authority);
  return offer;
}

std::optional<Change> next_change(const std::optional<SelfManaged>& stored, const Circumstances& circumstances,
                                  Mint& mint) {
  const absl::Time now = circumstances.now;
  if (!stored) {
    if (circumstances.remembered) return Change{*circumstances.remembered, "the certificates are stored again"};
    SelfManaged made;
    made.current = mint.authority(now);
    made.leaf = mint.leaf(made.current, circumstances.names, now);
    return Change{std::move(made), "certificates are made"};
  }
  SelfManaged content = *stored;
  std::set<std::string> names = circumstances.names;
  const auto issue = [&](const char* what) {
    content.leaf = mint.leaf(content.current, names, now);
    return Change{std::move(content), what};
  };
  if (over(content.current.authority.not_after, now)) {
    const bool next_is_good = content.next && !over(content.next->authority.not_after, now);
    content.current = next_is_good ? *content.next : mint.authority(now);
    content.next.reset();
    return issue("the authority has expired and is replaced");
  }
  if (over(content.leaf.not_after, now)) return issue("the certificate has expired and is replaced");
  if (!covers(content.leaf, names)) {
    // While the flags of the replicas differ, each would replace the other's for ever.
    names.insert(content.leaf.names.begin(), content.leaf.names.end());
    return issue("the certificate is replaced by one for more names");
  }
  if (content.next && circumstances.next_is_known) {
    content.current = *std::exchange(content.next, std::nullopt);
    return issue("the certificate is replaced by one of the next authority");
  }
  // At the end of its authority's life the same end would come out again.
  const bool longer = content.current.authority.not_after > content.leaf.not_after;
  if (longer && due(content.leaf.not_before, content.leaf.not_after, circumstances)) {
    return issue("the certificate is renewed");
  }
  const bool asked = content.rotation_asked != content.rotation_done;
  const Authority& current = content.current.authority;
  if (!content.next && (asked || due(current.not_before, current.not_after, circumstances))) {
    content.next = mint.authority(now);
    content.rotation_done = content.rotation_asked;
    return Change{std::move(content), "the next authority is announced"};
  }
  return std::nullopt;
}

}  // namespace headroom::certificates
