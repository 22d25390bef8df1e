#include "webhook/app/stored_configuration.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace headroom::webhook {
namespace {

using nlohmann::json;
using Webhook = EnforcementFacts::Webhook;

constexpr absl::Duration kReadAgain = absl::Seconds(2), kReadSoon = absl::Milliseconds(500);
// All replicas follow a change of the limits within a fraction of this.
constexpr absl::Duration kSettles = absl::Seconds(2);

}  // namespace

StoredConfiguration::StoredConfiguration(std::string name, WebhookAddress address)
    : name_(std::move(name)), address_(std::move(address)) {}

bool StoredConfiguration::due(limits::BootTime now) const {
  return !name_.empty() && at_ + (awaited_ ? kReadSoon : kReadAgain) <= now;
}

void StoredConfiguration::was_read(std::optional<json> object, limits::BootTime now) {
  at_ = now;
  known_ = true;
  object_ = std::move(object);
  version_.clear();
  created_ = absl::InfinitePast();
  conditions_.clear();
  if (!object_) return;
  const api::ObjectMeta meta = api::meta_from_json(*object_);
  version_ = meta.resource_version;
  created_ = meta.created.value_or(absl::InfinitePast());
  for (const json& entry : object_->value("webhooks", json::array())) {
    conditions_[entry.value("name", "")] = conditions_digest(entry);
  }
}

void StoredConfiguration::is_unknown(limits::BootTime now) {
  at_ = now;
  known_ = false;
}

void StoredConfiguration::forget() {
  at_ = -absl::InfiniteDuration();
  known_ = false;
  object_.reset();
  differs_since_.reset();
  suspects_.clear();
}

void StoredConfiguration::look_for_alterations(const AppliedConfigurations& applied) {
  for (const auto& [entry, digest] : conditions_) {
    if (!applied.has_had(digest)) {
      suspects_[entry] = digest;
      continue;
    }
    const auto suspect = suspects_.extract(entry);
    // What another replica was quicker with, this one has applied by now.
    if (!suspect.empty() && !applied.has_had(suspect.mapped())) altered_.insert(entry);
  }
}

void StoredConfiguration::begin_round(const AppliedSoFar& applied, limits::BootTime now) {
  awaited_ = lacking_ = settled_ = false;
  altered_.clear();
  if (known_ && applied.configurations) look_for_alterations(*applied.configurations);
  const bool differs =
      known_ && applied.configurations && (!object_ || !is_stored(*object_, applied.configurations->latest()));
  if (!differs) {
    differs_since_.reset();
    return;
  }
  awaited_ = true;
  if (!differs_since_) differs_since_ = now;
  settled_ = *differs_since_ + kSettles <= now;
  lacking_ = settled_;
}

const StoredConfiguration::Checked& StoredConfiguration::check(const LimitPtr& limit) {
  Checked& checked = checked_[limit->limit().meta.uid];
  if (checked.limit == limit && checked.version == version_) return checked;
  checked = {version_, limit, {}, {}};
  checked.left_out = left_out(*object_, limit, address_, checked.asking);
  return checked;
}

bool StoredConfiguration::conditions_known(const Checked& checked, const AppliedConfigurations& applied) const {
  const api::ObjectMeta& meta = checked.limit->limit().meta;
  return std::ranges::all_of(checked.asking, [&](const std::string& entry) {
    const auto digest = conditions_.find(entry);
    return digest != conditions_.end() && applied.knows(meta, digest->second);
  });
}

void StoredConfiguration::observe(const LimitPtr& limit, const AppliedSoFar& applied, bool overlooked,
                                  EnforcementFacts& facts) {
  if (name_.empty()) {
    facts.webhook = Webhook::None;
    return;
  }
  if (!known_) return;
  const std::string named = absl::StrCat("ValidatingWebhookConfiguration ", name_);
  facts.webhook = Webhook::Lacking;
  if (overlooked) {
    facts.webhook_lacks = absl::StrCat(named, " names another version of a resource");
    return;
  }
  const api::ObjectMeta& meta = limit->limit().meta;
  const bool was_applied = applied.configurations && applied.configurations->covers(meta);
  if (!object_) {
    facts.webhook_lacks = absl::StrCat("there is no ", named, ", so the API server asks about nothing");
    awaited_ = true;
    lacking_ = lacking_ || was_applied;
    return;
  }
  facts.founded = created_;
  const Checked& checked = check(limit);
  if (!checked.left_out.empty()) {
    facts.webhook_lacks =
        absl::StrCat(named, " leaves out ", checked.left_out, ", so the API server does not ask about it");
    awaited_ = true;
    lacking_ = lacking_ || was_applied;
  } else if (!was_applied) {
    facts.webhook_lacks = absl::StrCat(named, " is not yet that of generation ", meta.generation);
    awaited_ = true;
  } else if (std::ranges::any_of(checked.asking, [&](const auto& entry) { return altered_.contains(entry); })) {
    facts.webhook_lacks = absl::StrCat("somebody had altered the matchConditions of ", named,
                                       ", so the API server may not have asked about every write");
  } else if (!conditions_known(checked, *applied.configurations)) {
    awaited_ = true;
    facts.webhook = settled_ ? Webhook::Lacking : Webhook::Unknown;
    if (settled_) {
      facts.webhook_lacks = absl::StrCat("the matchConditions of ", named,
                                         " are not those that were applied, so the API server may not ask about every "
                                         "write");
    }
  } else {
    facts.webhook = Webhook::InPlace;
  }
}

bool StoredConfiguration::lacks(const AppliedSoFar& applied) {
  if (!lacking_ || at_ <= applied.at || reported_ == at_) return false;
  reported_ = at_;
  return true;
}

void StoredConfiguration::retain(const std::set<std::string>& uids) {
  std::erase_if(checked_, [&](const auto& entry) { return !uids.contains(entry.first); });
}

}  // namespace headroom::webhook
