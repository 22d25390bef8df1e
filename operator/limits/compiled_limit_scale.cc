// What limits say to writes to `/scale`: a review of one shows a Scale, with nothing of the object but a number.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/limits/compiled_limit.h"
#include "operator/limits/field_requirement.h"
#include "operator/limits/field_values.h"

namespace headroom::limits {
namespace {

using Requirement = api::FieldRequirement;

/// The requirement, held against the number of a Scale.
bool satisfied_by_scale(const Requirement& requirement, const ObjectView& scale) {
  // It leaves a number of 0 out.
  static const std::string kNone = "0";
  std::string number = kNone;
  scale.each(replicas_path(), [&](const ObjectView::Scalar& scalar) { number = scalar.text; });
  const bool listed = std::ranges::find(requirement.values, number) != requirement.values.end();
  switch (requirement.op) {
    case Requirement::Operator::In:
      return listed;
    case Requirement::Operator::NotIn:
      return !listed;
    case Requirement::Operator::Exists:
      return true;
    case Requirement::Operator::DoesNotExist:
      return false;
  }
  return false;
}

/// Of an object without the field, too, a Scale shows no number.
bool shows_number(const ObjectView& scale) {
  bool shows = false;
  scale.each(replicas_path(), [&](const ObjectView::Scalar&) { shows = true; });
  return shows;
}

}  // namespace

Error not_seen() {
  return {ErrorCode::TooManyRequests,
          "whether the limit is about this object is not known before its newest version has been seen; try again",
          0,
          {}};
}

bool CompiledLimit::selects_by_scale(std::size_t resource) const {
  return has_scale(limit_->spec.match.resources[resource]) &&
         std::ranges::any_of(limit_->spec.match.fields,
                             [&](const Requirement& one) { return scaled_[resource].may_be(one.path); });
}

std::vector<std::size_t> CompiledLimit::scaled_blindly() const {
  std::vector<std::size_t> blindly;
  const api::ScaleLimitSpec& spec = limit_->spec;
  for (std::size_t i = 0; i < scaled_.size(); ++i) {
    const auto may_write = [&](const auto& one) { return scaled_[i].may_be(one.path); };
    if (!has_scale(spec.match.resources[i]) || scaled_[i].path()) continue;
    if (std::ranges::any_of(spec.match.fields, may_write) || std::ranges::any_of(spec.object.fields, may_write) ||
        std::ranges::any_of(spec.total.sums, may_write)) {
      blindly.push_back(i);
    }
  }
  return blindly;
}

bool CompiledLimit::matches_but_for_scale(const ObjectView& object, std::size_t resource) const {
  if (!selects_by_scale(resource)) return false;
  const api::LimitMatch& match = limit_->spec.match;
  if (match.labels && !match.labels->matches([&](std::string_view key) { return object.label(key); })) return false;
  return std::ranges::all_of(match.fields, [&](const Requirement& one) {
    return scaled_[resource].may_be(one.path) || satisfied(one, object);
  });
}

bool CompiledLimit::may_select(const ObjectView& scale, std::size_t resource) const {
  return std::ranges::all_of(limit_->spec.match.fields, [&](const Requirement& one) {
    return !scaled_[resource].is(one.path) || satisfied_by_scale(one, scale);
  });
}

bool CompiledLimit::shown_by_scale(std::size_t resource) const {
  const api::LimitMatch& match = limit_->spec.match;
  return !match.labels &&
         std::ranges::all_of(match.fields, [&](const Requirement& one) { return scaled_[resource].is(one.path); });
}

bool CompiledLimit::surely_selected(const ObjectView& scale, std::size_t resource) const {
  return std::ranges::all_of(limit_->spec.match.fields, [&](const Requirement& one) {
    if (!scaled_[resource].may_be(one.path)) return true;
    return scaled_[resource].is(one.path) && shows_number(scale) && satisfied_by_scale(one, scale);
  });
}

Standing CompiledLimit::standing_of_scaled(const AskedWrite& write, std::size_t resource,
                                           StandingOf standing_of) const {
  const ObjectView& shown = write.object != nullptr ? *write.object : *write.old_object;
  const Revision version = write.old_object != nullptr ? parse_revision(write.old_object->resource_version()) : 0;
  return standing_of(id_, types_[resource], Uid::parse(shown.uid()), version);
}

Result<std::optional<Charge>> CompiledLimit::charge_of_scale(const AskedWrite& write, std::size_t resource,
                                                             StandingOf standing_of) const {
  std::optional<Charge> none;
  Amounts more(ledger_dimensions_.size());
  Standing standing;
  if (selects_by_scale(resource)) {
    standing = standing_of_scaled(write, resource, standing_of);
    const bool was_in = write.old_object != nullptr && surely_selected(*write.old_object, resource);
    if (standing.kind == Standing::Kind::Unseen && !was_in && may_select(*write.object, resource)) {
      return not_seen();
    }
  }
  const bool enters = standing.kind == Standing::Kind::KeptOut;
  if (enters) more = standing.amounts;
  std::size_t dimension = has_count() ? 1 : 0;
  for (const api::SumLimit& sum : limit_->spec.total.sums) {
    const std::size_t place = dimension++;
    if (!scaled_[resource].may_be(sum.path)) continue;
    BOOST_OUTCOME_TRY(now, read_field(*write.object, replicas_path()));
    const Amount number = now.sum;
    if (enters) {
      more.at(place) = scaled_[resource].is(sum.path) ? number : std::max(more[place], number);
      continue;
    }
    const Result<FieldValues> before = write.old_object != nullptr ? read_field(*write.old_object, replicas_path())
                                                                   : Result<FieldValues>(FieldValues{});
    more.at(place) = std::max<Amount>(number - (before ? before.value().sum : 0), 0);
  }
  if (more.is_zero()) return none;
  return std::optional(Charge{id_, std::move(more)});
}

}  // namespace headroom::limits
