#include "webhook/app/match_conditions.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/backstop/cel.h"
#include "operator/limits/field_values.h"

namespace headroom::webhook {
namespace {

using api::JsonPath;
using backstop::all_of;
using backstop::any_of;
using backstop::cel_text;
using nlohmann::json;

// The API server compiles expressions of up to 100,000 characters, and takes up to 64 conditions.
constexpr std::size_t kLongestTerm = 30'000, kLongestExpression = 60'000, kMostConditions = 20;

constexpr char kScale[] = "scale", kFinalize[] = "finalize";
// A request for the object itself has no such member at all.
constexpr char kOfScale[] = "(has(request.subResource) && request.subResource == 'scale')";

bool has(const std::vector<api::Operation>& operations, api::Operation operation) {
  return std::ranges::find(operations, operation) != operations.end();
}

bool has_subresource(const std::vector<LimitOnResource>& limits, const char* name) {
  return std::ranges::any_of(limits, [&](const LimitOnResource& one) {
    return std::ranges::find(one.resource->subresources, name) != one.resource->subresources.end();
  });
}

JsonPath path(const char* text) { return JsonPath::parse(text).value(); }

/// What limits look at in updates of one resource.
struct Looked {
  bool any = false;                         ///< at least one limit judges updates
  bool every_write = false;                 ///< what was not changed counts as well
  bool all_of_it = false;                   ///< its size
  std::map<std::string, JsonPath> same;     ///< decide whether the object is selected
  std::map<std::string, JsonPath> bounded;  ///< may become less

  void decides(const JsonPath& path) { same.emplace(path.text(), path); }
  void bounds(const JsonPath& path) { bounded.emplace(path.text(), path); }
};

bool stops_writes(const api::ScaleLimitSpec& spec) {
  return std::ranges::any_of(spec.thresholds, [](const api::Threshold& threshold) {
    return threshold.action == api::LimitAction::PauseWrites || threshold.action == api::LimitAction::Halt;
  });
}

Looked looked_at(const std::vector<LimitOnResource>& limits) {
  Looked looked;
  for (const LimitOnResource& one : limits) {
    const api::ScaleLimitSpec& spec = one.limit->spec;
    if (!has(one.resource->operations, api::Operation::Update)) continue;
    looked.any = true;
    const bool counts = spec.total.count || !spec.total.sums.empty();
    // A limit that counts nothing takes an object that grows for one that uses more.
    const bool sizes = spec.object.max_bytes || (!counts && stops_writes(spec));
    const bool denies = std::ranges::any_of(
        spec.deny, [](const api::DenyRule& rule) { return has(rule.operations, api::Operation::Update); });
    looked.all_of_it = looked.all_of_it || sizes;
    looked.every_write = looked.every_write || sizes || denies || spec.rate || spec.concurrency;
    if (spec.match.labels) looked.decides(path(".metadata.labels"));
    for (const api::FieldRequirement& field : spec.match.fields) looked.decides(field.path);
    for (const api::SumLimit& sum : spec.total.sums) looked.bounds(sum.path);
    for (const api::FieldCap& field : spec.object.fields) looked.bounds(field.path);
    if (spec.object.max_replicas) looked.bounds(limits::replicas_path());
  }
  return looked;
}

std::string is_of(const GroupResource& resource) {
  return absl::StrCat("request.resource.group == ", cel_text(resource.first),
                      " && request.resource.resource == ", cel_text(resource.second));
}

/// Whether the update takes nothing that the limits bound; lists of values are only looked at as a whole.
std::string uses_no_more(const Looked& looked) {
  std::vector<std::string> terms;
  for (const auto& [text, path] : looked.same) terms.push_back(backstop::same_value(path, "object", "oldObject"));
  for (const auto& [text, path] : looked.bounded) {
    std::string same = backstop::same_value(path, "object", "oldObject");
    terms.push_back(path.names_many() ? std::move(same)
                                      : any_of({std::move(same), backstop::no_more(path, "object", "oldObject")}));
  }
  return all_of(terms);
}

/// Nothing but finalizers, and what the API server keeps by itself, differs; fields may be gone.
std::string nothing_added() {
  const JsonPath labels = path(".metadata.labels"), annotations = path(".metadata.annotations"),
                 owners = path(".metadata.ownerReferences");
  return all_of({"object.all(field, field == 'metadata' || (field in oldObject && object[field] == oldObject[field]))",
                 backstop::same_value(labels, "object", "oldObject"),
                 backstop::same_value(annotations, "object", "oldObject"),
                 backstop::same_value(owners, "object", "oldObject")});
}

std::string fewer_finalizers() {
  return "has(oldObject.metadata.finalizers) && (!has(object.metadata.finalizers) || "
         "(size(object.metadata.finalizers) < size(oldObject.metadata.finalizers) && "
         "object.metadata.finalizers.all(finalizer, finalizer in oldObject.metadata.finalizers)))";
}

/// Whether a scale to fewer may make the object one that the limit selects.
bool reads_what_scale_writes(const api::FieldRequirement& field, const std::string& group) {
  // Of other groups only their definitions know which field of the spec it is.
  if (!group.empty() && group != "apps") return field.path.steps().front().name == "spec";
  return field.path == limits::replicas_path();
}

std::string stays_out(const api::FieldRequirement& field) {
  using Operator = api::FieldRequirement::Operator;
  // A Scale shows no replicas where they are 0 and where the object does not say.
  const std::string now = "(has(object.spec.replicas) ? object.spec.replicas : 0)";
  const std::string before = "(has(oldObject.spec.replicas) ? oldObject.spec.replicas : 0)";
  const std::string values = backstop::cel_texts(field.values);
  switch (field.op) {
    case Operator::In:
      return absl::StrCat("(!(string(", now, ") in ", values, ") || (", before, " > 0 && string(", before, ") in ",
                          values, "))");
    case Operator::NotIn:
      return absl::StrCat("(string(", now, ") in ", values, " || !(string(", before, ") in ", values, "))");
    case Operator::Exists:
      return absl::StrCat("(", before, " > 0)");
    case Operator::DoesNotExist:
      return "true";
  }
  return "false";
}

/// Where scaling to fewer may raise use all the same, what must hold for it not to.
std::string scaling_down_is_harmless(const GroupResource& resource, const std::vector<LimitOnResource>& limits) {
  const std::string& group = resource.first;
  std::set<std::string> terms;
  for (const LimitOnResource& one : limits) {
    for (const api::FieldRequirement& field : one.limit->spec.match.fields) {
      if (!reads_what_scale_writes(field, group)) continue;
      terms.insert(field.path == limits::replicas_path() && (group.empty() || group == "apps") ? stays_out(field)
                                                                                               : "false");
    }
  }
  std::string harmless = all_of({terms.begin(), terms.end()});
  return harmless.size() > kLongestTerm / 10 ? "false" : harmless;
}

json condition(std::string name, std::string expression) {
  return {{"name", std::move(name)}, {"expression", std::move(expression)}};
}

/// Updates that one of these describes are left out.
void put(json& conditions, const std::string& name, const std::vector<std::string>& left_out) {
  std::vector<std::string> terms;
  std::size_t length = 0, made = 0;
  const auto flush = [&] {
    if (terms.empty() || made == kMostConditions) return;
    ++made;
    conditions.push_back(
        condition(made == 1 ? name : absl::StrCat(name, "-", made),
                  absl::StrCat("!(request.operation == 'UPDATE' && !", kOfScale, " && ", any_of(terms), ")")));
    terms.clear();
    length = 0;
  };
  for (const std::string& term : left_out) {
    if (term.size() > kLongestTerm) continue;
    if (length + term.size() > kLongestExpression) flush();
    terms.push_back(term);
    length += term.size();
  }
  flush();
}

}  // namespace

json match_conditions(const LimitsByResource& limits) {
  std::vector<std::string> unchanged, ending, guarded;
  bool scales = false;
  for (const auto& [resource, on_it] : limits) {
    const std::string of_it = is_of(resource);
    if (has_subresource(on_it, kScale)) {
      scales = true;
      const std::string harmless = scaling_down_is_harmless(resource, on_it);
      if (harmless != "true") guarded.push_back(absl::StrCat("(!(", of_it, ") || ", harmless, ")"));
    }
    if (has_subresource(on_it, kFinalize)) {
      ending.push_back(
          absl::StrCat("(", of_it, " && has(request.subResource) && request.subResource == '", kFinalize, "')"));
    }
    const Looked looked = looked_at(on_it);
    if (!looked.any) continue;
    if (!looked.every_write) {
      unchanged.push_back(absl::StrCat("(", of_it, " && ", uses_no_more(looked), ")"));
      continue;
    }
    const std::string going = "has(oldObject.metadata.deletionTimestamp)";
    const std::string no_more = uses_no_more(looked);
    const std::string nothing = all_of({nothing_added(), no_more});
    ending.push_back(absl::StrCat(
        "(", of_it, " && ",
        any_of({all_of({going, looked.all_of_it ? nothing : no_more}), all_of({fewer_finalizers(), nothing})}), ")"));
  }
  json conditions = json::array();
  put(conditions, "may-use-more", unchanged);
  if (scales) {
    const std::string fewer =
        "(has(object.spec.replicas) ? object.spec.replicas : 0) <= "
        "(has(oldObject.spec.replicas) ? oldObject.spec.replicas : 0)";
    guarded.insert(guarded.begin(),
                   {"request.operation == 'UPDATE'", kOfScale, "has(object.spec)", "has(oldObject.spec)", fewer});
    std::string expression = absl::StrCat("!", all_of(guarded));
    if (expression.size() < kLongestExpression)
      conditions.push_back(condition("not-scaled-down", std::move(expression)));
  }
  put(conditions, "not-ending", ending);
  return conditions;
}

}  // namespace headroom::webhook
