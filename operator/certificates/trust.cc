#include "operator/certificates/trust.h"

#include <algorithm>
#include <utility>

namespace headroom::certificates {
namespace {

bool meet(const AuthorityIds& one, const AuthorityIds& other) {
  return std::ranges::any_of(one, [&](const std::string& id) { return other.contains(id); });
}

AuthorityIds ids_of(const std::vector<Authority>& authorities) {
  AuthorityIds ids;
  for (const Authority& one : authorities) ids.insert(one.id);
  return ids;
}

bool expired(const Offer& offer, absl::Time now) { return now >= offer.leaf.not_after; }

/// Nobody calls where no entry is; one that comes is written with what is needed by then.
AuthorityIds carried_ids(const TrustState& state, const TrustInputs& inputs) {
  if (inputs.configuration->asks) return inputs.configuration->by_all;
  AuthorityIds ids = inputs.offer ? ids_of(inputs.offer->trusted) : AuthorityIds();
  if (state.serving) ids.insert(state.serving->anchors.begin(), state.serving->anchors.end());
  return ids;
}

void look_at_configuration(TrustState& state, const TrustInputs& inputs) {
  if (!inputs.configuration) return;
  const AuthorityIds carried = carried_ids(state, inputs);
  std::erase_if(state.carried_since, [&](const auto& entry) { return !carried.contains(entry.first); });
  for (const std::string& id : carried) state.carried_since.emplace(id, inputs.boot);
}

bool any_known_everywhere(const TrustState& state, const AuthorityIds& anchors, const TrustInputs& inputs,
                          const TrustOptions& options) {
  return std::ranges::any_of(anchors,
                             [&](const std::string& id) { return known_everywhere(state, id, inputs.boot, options); });
}

bool may_serve(const TrustState& state, const TrustInputs& inputs, const TrustOptions& options) {
  const Offer& offer = *inputs.offer;
  const Offer& serving = *state.serving;
  if (!options.manages_configuration || offer.anchors.empty()) return true;
  if (expired(offer, inputs.now) && !expired(serving, inputs.now)) return false;
  if (expired(serving, inputs.now) || meet(offer.anchors, serving.anchors)) return true;
  if (!inputs.configuration) return false;
  if (any_known_everywhere(state, offer.anchors, inputs, options)) return true;
  // What is served cannot be verified any more: the other can, at least soon.
  return inputs.configuration->asks && !meet(serving.anchors, ids_of(inputs.configuration->by_any)) &&
         meet(offer.anchors, inputs.configuration->by_all);
}

bool settles(const TrustState& state, const TrustInputs& inputs, const TrustOptions& options) {
  if (!state.serving) return false;
  const AuthorityIds& anchors = state.serving->anchors;
  if (!options.manages_configuration || anchors.empty()) return true;
  if (!inputs.configuration) return false;
  if (!inputs.configuration->asks || any_known_everywhere(state, anchors, inputs, options)) return true;
  if (!meet(anchors, inputs.configuration->by_all)) return false;
  bool others_serve = false, others_serve_alike = false;
  for (const OtherReplica& other : inputs.others) {
    // One that API servers cannot verify any more takes no calls.
    others_serve = others_serve || meet(other.serving, inputs.configuration->by_all);
    others_serve_alike = others_serve_alike || meet(other.serving, anchors);
  }
  return others_serve_alike || !others_serve;
}

/// With what must stay for the sake of others.
std::vector<Authority> wanted_bundle(TrustState& state, const TrustInputs& inputs, const TrustOptions& options) {
  std::map<std::string, Authority> wanted;
  const auto want = [&](const Authority& one) {
    if (inputs.now < one.not_after) wanted.emplace(one.id, one);
  };
  if (inputs.offer) std::ranges::for_each(inputs.offer->trusted, want);
  if (state.serving) {
    for (const Authority& one : state.serving->trusted) {
      if (state.serving->anchors.contains(one.id)) want(one);
    }
  }
  AuthorityIds unneeded;
  for (const Authority& one : inputs.configuration->by_any) {
    if (wanted.contains(one.id)) continue;
    if (std::ranges::any_of(inputs.others, [&](const auto& other) { return other.needs.contains(one.id); })) {
      want(one);
      continue;
    }
    unneeded.insert(one.id);
    const absl::Duration since = state.unneeded_since.emplace(one.id, inputs.boot).first->second;
    if (inputs.boot < since + options.retention) want(one);
  }
  std::erase_if(state.unneeded_since, [&](const auto& entry) { return !unneeded.contains(entry.first); });
  std::vector<Authority> bundle;
  bundle.reserve(wanted.size());
  for (auto& [id, authority] : wanted) bundle.push_back(std::move(authority));
  return bundle;
}

}  // namespace

TrustStep step(TrustState state, const TrustInputs& inputs, const TrustOptions& options) {
  TrustStep result;
  look_at_configuration(state, inputs);
  if (inputs.offer) {
    const bool another = !state.serving || state.serving->leaf.pair != inputs.offer->leaf.pair;
    if (!state.serving || (another && may_serve(state, inputs, options))) {
      const bool same_authority = state.serving && meet(state.serving->anchors, inputs.offer->anchors);
      state.settled = state.settled && same_authority;
      state.serving = inputs.offer;
      result.serve = true;
    }
  }
  state.settled = state.settled || settles(state, inputs, options);
  if (inputs.configuration && options.manages_configuration && options.owns_bundle && state.serving) {
    result.bundle = wanted_bundle(state, inputs, options);
    const AuthorityIds wanted = ids_of(*result.bundle);
    result.apply = inputs.configuration->asks &&
                   (inputs.configuration->by_all != wanted || ids_of(inputs.configuration->by_any) != wanted);
  }
  result.state = std::move(state);
  return result;
}

bool known_everywhere(const TrustState& state, const std::string& authority, absl::Duration boot,
                      const TrustOptions& options) {
  const auto since = state.carried_since.find(authority);
  return since != state.carried_since.end() && boot >= since->second + options.propagation;
}

OtherReplica announced(const TrustState& state, const std::optional<Offer>& offer) {
  OtherReplica self;
  if (state.serving) {
    self.needs = state.serving->anchors;
    if (state.settled) self.serving = state.serving->anchors;
  }
  if (offer) self.needs.merge(ids_of(offer->trusted));
  return self;
}

}  // namespace headroom::certificates
