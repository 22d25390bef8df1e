#include "operator/limits/compiled_limit.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "operator/limits/field_requirement.h"
#include "operator/limits/field_values.h"

namespace headroom::limits {
namespace {

std::string selector_text(const std::optional<api::LabelSelector>& selector) {
  if (!selector) return "none";
  std::string text;
  for (const auto& [key, value] : selector->match_labels) absl::StrAppend(&text, key, "=", value, ";");
  for (const auto& one : selector->match_expressions) {
    absl::StrAppend(&text, one.key, " ", static_cast<int>(one.op), " ", absl::StrJoin(one.values, ","), ";");
  }
  return text;
}

/// So that no two lists of values read alike.
std::string escaped(const std::vector<std::string>& values) {
  return absl::StrJoin(values, ",", [](std::string* text, const std::string& value) {
    for (const char c : value) {
      if (c == ',' || c == ';' || c == '|' || c == '\\') text->push_back('\\');
      text->push_back(c);
    }
  });
}

/// FNV-1a: the digest has to be the same in every replica, whatever built it.
std::string digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

std::string name_of(const api::ScaleLimit& limit) {
  return absl::StrCat(api::to_string(limit.kind), " ", limit.meta.key().to_string());
}

std::string text_of(Amount amount, QuantityFormat format) { return Quantity::from_nano(amount).canonical(format); }

/// A cap on one number of an object, as far as a write raises it.
struct Cap {
  const api::JsonPath& path;
  const api::JsonPath& read_at;  ///< where the review shows it
  const ObjectView& now;
  const ObjectView* former;  ///< null where it was not under the limit
  Amount most;
  QuantityFormat format;
  int code;
  const char* reason;
  const std::string& name;
  const std::string& message;
};

std::optional<Finding> broken(const api::ScaleLimit& limit, const Cap& cap) {
  const Result<FieldValues> now = read_field(cap.now, cap.read_at);
  if (now && (!now.value().most || *now.value().most <= cap.most)) return std::nullopt;
  const Result<FieldValues> former =
      cap.former != nullptr ? read_field(*cap.former, cap.read_at) : Result<FieldValues>(FieldValues{});
  if (!now) {
    if (!former) return std::nullopt;  // it was as unreadable before
    return Finding{&limit, 403, "NotCountable", cap.name, absl::StrCat(name_of(limit), ": ", now.error().message)};
  }
  const std::optional<Amount> most = now.value().most;
  if (former && former.value().most && *former.value().most >= *most) return std::nullopt;
  return Finding{
      &limit, cap.code, cap.reason, cap.name,
      absl::StrCat(name_of(limit), ": ", cap.path.text(), " is ", text_of(*most, cap.format), ", at most ",
                   text_of(cap.most, cap.format), " is allowed", cap.message.empty() ? "" : ": ", cap.message)};
}

/// What a rate comes to, see flow_use.h; and who may wait for it without a queue of the limit's own: those who can be
/// let through within a moment.
struct RateLimitWindow {
  absl::Duration window;
  std::size_t queue_length;
  absl::Duration queue_time;
};

RateLimitWindow window_of(const api::RateLimit& rate) {
  // A share comes from another replica in less than the one; whoever has to wait for longer than the other asks again.
  constexpr absl::Duration kShortest = absl::Milliseconds(250), kLongest = absl::Seconds(1);
  RateLimitWindow terms{};
  terms.window = rate_window(rate);
  terms.queue_time = std::clamp(terms.window, kShortest, kLongest);
  terms.queue_length =
      static_cast<std::size_t>(rate.burst + rate.writes_per_second * absl::ToDoubleSeconds(terms.queue_time));
  return terms;
}

bool scales_up(const AskedWrite& scale) {
  const Result<FieldValues> now = read_field(*scale.object, replicas_path());
  const Result<FieldValues> before = read_field(*scale.old_object, replicas_path());
  return now && (!before || now.value().sum > before.value().sum);
}

// The webhook's own timeoutSeconds is 5, the way there and back included.
constexpr absl::Duration kLongestQueueTime = absl::Seconds(4);

}  // namespace

absl::Duration rate_window(const api::RateLimit& rate) {
  return absl::Seconds(1) * rate.burst / rate.writes_per_second;
}

CompiledLimit::CompiledLimit(LimitId id, std::shared_ptr<const api::ScaleLimit> limit, std::vector<TypeId> types,
                             std::vector<std::string> namespaces, std::vector<std::string> excluded,
                             std::optional<LimitId> flow, const ScaledFields& scaled)
    : id_(id),
      limit_(std::move(limit)),
      types_(std::move(types)),
      namespaces_(std::move(namespaces)),
      excluded_(std::move(excluded)),
      flow_(flow) {
  for (api::LimitDimension& dimension : api::dimensions_of(limit_->spec)) {
    const bool counted =
        dimension.kind == api::LimitDimension::Kind::Count || dimension.kind == api::LimitDimension::Kind::Sum;
    if (counted) ledger_dimensions_.push_back(std::move(dimension));
  }
  for (const api::MatchedResource& resource : limit_->spec.match.resources) {
    scaled_.push_back(ScaledField::of(resource, scaled));
  }
  std::ranges::sort(namespaces_);
  std::ranges::sort(excluded_);
}

bool CompiledLimit::watches_objects() const {
  if (counts_objects() || (flow_ && limit_->spec.concurrency)) return true;
  return has_selectors() && std::ranges::any_of(limit_->spec.match.resources, [](const api::MatchedResource& resource) {
           return has_scale(resource);
         });
}

bool CompiledLimit::needs_bodies() const {
  return !limit_->spec.match.fields.empty() || !limit_->spec.total.sums.empty();
}

std::string CompiledLimit::selection() const {
  const api::ScaleLimitSpec& spec = limit_->spec;
  std::string text = absl::StrCat(limit_->meta.uid, "|", selector_text(spec.match.labels), "|",
                                  spec.match.namespaces ? absl::StrJoin(namespaces_, ",") : "all", "|",
                                  absl::StrJoin(excluded_, ","), "|");
  for (const api::MatchedResource& resource : spec.match.resources) {
    absl::StrAppend(&text, resource.group, "/", resource.version, "/", resource.resource, ";");
  }
  for (const api::FieldRequirement& field : spec.match.fields) {
    absl::StrAppend(&text, field.path.text(), " ", static_cast<int>(field.op), " ", escaped(field.values), ";");
  }
  if (has_count()) absl::StrAppend(&text, "|count");
  for (const api::SumLimit& sum : spec.total.sums) absl::StrAppend(&text, "|", sum.name, " ", sum.path.text());
  return digest(text);
}

LimitTerms CompiledLimit::terms() const {
  LimitTerms terms;
  terms.generation = limit_->meta.generation;
  terms.selection = selection();
  terms.hard = Amounts(ledger_dimensions_.size());
  for (std::size_t i = 0; i < ledger_dimensions_.size(); ++i) terms.hard.at(i) = ledger_dimensions_[i].hard.nano();
  terms.types = types_;
  return terms;
}

LimitTerms CompiledLimit::flow_terms() const {
  const api::ScaleLimitSpec& spec = limit_->spec;
  LimitTerms terms;
  terms.generation = limit_->meta.generation;
  // What is in use stays in use, whatever else the limit selects from now on.
  terms.selection = digest(absl::StrCat(limit_->meta.uid, "|flow"));
  terms.hard = Amounts(kFlowDimensions);
  FlowTerms& flow = terms.flow.emplace();
  if (spec.rate) {
    const RateLimitWindow rate = window_of(*spec.rate);
    terms.hard.at(kRate) = spec.rate->burst * kOneWrite;
    flow.window = rate.window;
    flow.queue_length = rate.queue_length;
    flow.queue_time = rate.queue_time;
  }
  if (spec.concurrency) {
    terms.hard.at(kConcurrency) = spec.concurrency->max * kOneWrite;
    flow.resume_below = spec.concurrency->resume_below * kOneWrite;
    flow.assume_done_after = spec.concurrency->assume_done_after;
    flow.counted_as = id_;
    const auto& queue = spec.concurrency->queue;
    flow.queue_length = queue ? static_cast<std::size_t>(queue->length) : 0;
    flow.queue_time = queue ? std::min(queue->timeout, kLongestQueueTime) : absl::ZeroDuration();
  }
  return terms;
}

bool CompiledLimit::covers_namespace(std::string_view ns) const {
  if (std::ranges::binary_search(excluded_, ns)) return false;
  if (limit_->kind == api::LimitKind::ScaleLimit) return ns == limit_->meta.ns;
  return !limit_->spec.match.namespaces || std::ranges::binary_search(namespaces_, ns);
}

bool CompiledLimit::matches(const ObjectView& object) const {
  const api::LimitMatch& match = limit_->spec.match;
  if (match.labels && !match.labels->matches([&](std::string_view key) { return object.label(key); })) return false;
  return std::ranges::all_of(match.fields, [&](const auto& requirement) { return satisfied(requirement, object); });
}

Membership CompiledLimit::membership(TypeId type, std::string_view ns, const ObjectView& object) const {
  Membership membership{id_, false, Amounts(ledger_dimensions_.size())};
  const auto resource = static_cast<std::size_t>(std::ranges::find(types_, type) - types_.begin());
  if (resource == types_.size() || !covers_namespace(ns)) return membership;
  membership.matches = matches(object);
  membership.kept_out = !membership.matches && matches_but_for_scale(object, resource);
  if (!membership.matches && !membership.kept_out) return membership;
  std::size_t dimension = 0;
  if (has_count()) membership.amounts.at(dimension++) = Quantity::kNano;
  for (const api::SumLimit& sum : limit_->spec.total.sums) {
    const Result<FieldValues> values = read_field(object, sum.path);
    membership.amounts.at(dimension++) = values ? values.value().sum : 0;
  }
  return membership;
}

std::optional<std::size_t> CompiledLimit::resource_of(const AskedWrite& write) const {
  const std::vector<api::MatchedResource>& resources = limit_->spec.match.resources;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const api::MatchedResource& resource = resources[i];
    if (resource.group != write.group || resource.version != write.version || resource.resource != write.resource) {
      continue;
    }
    const bool addressed = write.sub_resource.empty() ||
                           std::ranges::find(resource.subresources, write.sub_resource) != resource.subresources.end();
    const bool judged = std::ranges::find(resource.operations, write.operation) != resource.operations.end();
    if (addressed && judged && covers_namespace(write.ns)) return i;
    return std::nullopt;
  }
  return std::nullopt;
}

Selected CompiledLimit::selects(const AskedWrite& write, std::size_t resource, StandingOf standing_of) const {
  const ObjectView* const shown = write.object != nullptr ? write.object : write.old_object;
  if (!has_selectors() || shown == nullptr) return Selected::Yes;
  if (!is_scale(write)) return matches(*shown) ? Selected::Yes : Selected::No;
  const Standing::Kind kind = standing_of_scaled(write, resource, standing_of).kind;
  if (kind == Standing::Kind::Out || !may_select(*shown, resource)) return Selected::No;
  return kind == Standing::Kind::Unseen && !shown_by_scale(resource) ? Selected::Unknown : Selected::Yes;
}

bool CompiledLimit::leaves(const AskedWrite& write) const {
  return !is_scale(write) && write.object != nullptr && former(write) != nullptr && !matches(*write.object);
}

bool CompiledLimit::keeps_alike(const CompiledLimit& other) const {
  return scaled_ == other.scaled_ &&
         std::ranges::equal(limit_->spec.match.resources, other.limit_->spec.match.resources, {}, has_scale, has_scale);
}

const ObjectView* CompiledLimit::former(const AskedWrite& write) const {
  const bool was_under_it = write.old_object != nullptr && (is_scale(write) || matches(*write.old_object));
  return was_under_it ? write.old_object : nullptr;
}

void CompiledLimit::hold_against_caps(const AskedWrite& write, std::size_t resource,
                                      std::vector<Finding>& findings) const {
  static const std::string kReplicas = "replicas";
  static const std::string kNothing;
  const ObjectView* const before = former(write);
  const auto hold = [&](const Cap& cap) {
    if (auto finding = broken(*limit_, cap)) findings.push_back(*std::move(finding));
  };
  if (const auto& max = limit_->spec.object.max_replicas) {
    hold({replicas_path(), replicas_path(), *write.object, before, *max * Amount{Quantity::kNano},
          QuantityFormat::DecimalSI, 403, "OverCap", kReplicas, kNothing});
  }
  for (const api::FieldCap& field : limit_->spec.object.fields) {
    if (is_scale(write) && !scaled_[resource].may_be(field.path)) continue;
    hold({field.path, is_scale(write) ? replicas_path() : field.path, *write.object, before, field.max.nano(),
          field.format, field.code, "OverCap", field.name, field.message});
  }
}

std::vector<Finding> CompiledLimit::denials(const AskedWrite& write, SwitchIsOn switch_is_on) const {
  std::vector<Finding> findings;
  for (const api::DenyRule& rule : limit_->spec.deny) {
    if (std::ranges::find(rule.operations, write.operation) == rule.operations.end()) continue;
    if (rule.while_switch && !switch_is_on(*rule.while_switch)) continue;
    findings.push_back({limit_.get(), rule.code, "Denied", rule.name,
                        absl::StrCat(name_of(*limit_), ": rule \"", rule.name, "\" refuses this",
                                     rule.message.empty() ? "" : ": ", rule.message)});
  }
  return findings;
}

std::vector<Finding> CompiledLimit::findings(const AskedWrite& write, std::size_t resource,
                                             SwitchIsOn switch_is_on) const {
  std::vector<Finding> findings = denials(write, switch_is_on);
  if (write.object == nullptr) return findings;
  hold_against_caps(write, resource, findings);
  if (is_scale(write)) return findings;  // it shows nothing else
  const auto& cap = limit_->spec.object.max_bytes;
  const auto most = static_cast<std::size_t>(cap.value_or(0));
  if (cap && write.object->most_bytes() > most) {
    const std::size_t bytes = write.object->compact_bytes();
    const ObjectView* const before = bytes > most ? former(write) : nullptr;
    if (bytes > most && (before == nullptr || before->compact_bytes() < bytes)) {
      findings.push_back(
          {limit_.get(), 413, "TooLarge", "bytes",
           absl::StrCat(name_of(*limit_), ": the object has ", bytes,
                        " bytes as compact JSON without managedFields, at most ", most, " are allowed")});
    }
  }
  return findings;
}

std::optional<Finding> CompiledLimit::stopped(const AskedWrite& write, const std::optional<Charge>& charge) const {
  const api::ScaleLimitStatus& status = limit_->status;
  if ((!status.halted && !status.paused) || write.object == nullptr) return std::nullopt;
  const auto grows = [&] {
    return is_scale(write) ? scales_up(write) : write.object->compact_bytes() > write.old_object->compact_bytes();
  };
  const bool adds = write.old_object == nullptr || charge || (!counts_objects() && grows());
  if (!adds) return std::nullopt;
  const api::WriteStop& stop = status.halted ? *status.halted : *status.paused;
  return Finding{limit_.get(), status.halted ? 503 : 429, status.halted ? "Halted" : "Paused", stop.dimension,
                 absl::StrCat(name_of(*limit_), ": ", stop.message)};
}

Result<std::optional<Charge>> CompiledLimit::charge(const AskedWrite& write, std::size_t resource,
                                                    StandingOf standing_of) const {
  std::optional<Charge> none;
  if (!counts_objects() || write.object == nullptr || selects(write, resource, standing_of) == Selected::No) {
    return none;
  }
  if (is_scale(write)) return charge_of_scale(write, resource, standing_of);
  const bool counted_before = former(write) != nullptr;
  Amounts more(ledger_dimensions_.size());
  std::size_t dimension = 0;
  if (has_count()) more.at(dimension++) = counted_before ? 0 : Amount{Quantity::kNano};
  for (const api::SumLimit& sum : limit_->spec.total.sums) {
    const std::size_t place = dimension++;
    const Result<FieldValues> now = read_field(*write.object, sum.path);
    const Result<FieldValues> before =
        counted_before ? read_field(*write.old_object, sum.path) : Result<FieldValues>(FieldValues{});
    if (!now) {
      if (counted_before && !before) continue;  // it was as unreadable before
      return now.error();
    }
    more.at(place) = std::max<Amount>(now.value().sum - (before ? before.value().sum : 0), 0);
  }
  if (more.is_zero()) return none;
  return std::optional(Charge{id_, std::move(more)});
}

bool CompiledLimit::lowers(const AskedWrite& write, std::size_t resource) const {
  bool lowers = false;
  for (const api::SumLimit& sum : limit_->spec.total.sums) {
    if (is_scale(write) && !scaled_[resource].is(sum.path)) continue;
    const api::JsonPath& read_at = is_scale(write) ? replicas_path() : sum.path;
    const Result<FieldValues> now = read_field(*write.object, read_at);
    const Result<FieldValues> before = read_field(*write.old_object, read_at);
    lowers = lowers || (now && before && now.value().sum < before.value().sum);
  }
  return lowers;
}

std::optional<Charge> CompiledLimit::flow_charge(const AskedWrite& write, std::size_t resource,
                                                 const std::optional<Charge>& charge) const {
  if (!flow_ || write.object == nullptr) return std::nullopt;
  if (write.old_object != nullptr && !charge &&
      (lowers(write, resource) || write.object->digest() == write.old_object->digest())) {
    return std::nullopt;
  }
  const api::ScaleLimitSpec& spec = limit_->spec;
  return Charge{*flow_, {spec.concurrency ? kOneWrite : 0, spec.rate ? kOneWrite : 0}};
}

}  // namespace headroom::limits
