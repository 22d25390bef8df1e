#include "operator/plan/selection.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace headroom::plan {
namespace {

template <class T>
bool lists(const std::vector<T>& list, const T& value) {
  return list.empty() || std::ranges::find(list, value) != list.end();
}

/// An empty list lets everything through.
template <class T>
bool covers(const std::vector<T>& wide, const std::vector<T>& narrow) {
  if (wide.empty()) return true;
  return !narrow.empty() && std::ranges::all_of(narrow, [&](const T& value) { return lists(wide, value); });
}

bool covers(const std::optional<api::LabelSelector>& wide, const std::optional<api::LabelSelector>& narrow) {
  if (!wide || (wide->match_labels.empty() && wide->match_expressions.empty())) return true;
  if (!narrow) return false;
  return std::ranges::all_of(wide->match_labels,
                             [&](const auto& label) {
                               const auto same = narrow->match_labels.find(label.first);
                               return same != narrow->match_labels.end() && same->second == label.second;
                             }) &&
         std::ranges::all_of(wide->match_expressions, [&](const auto& requirement) {
           return std::ranges::find(narrow->match_expressions, requirement) != narrow->match_expressions.end();
         });
}

bool covers(const api::TargetSelection& wide, const api::TargetSelection& narrow) {
  return covers(wide.selector, narrow.selector) && covers(wide.names, narrow.names) &&
         covers(wide.regions, narrow.regions) && covers(wide.roles, narrow.roles);
}

}  // namespace

bool selects(const api::TargetSelection& selection, const std::string& name,
             const std::map<std::string, std::string>& labels, const api::ScaleTargetSpec& spec) {
  return lists(selection.names, name) && lists(selection.regions, spec.region) && lists(selection.roles, spec.role) &&
         (!selection.selector || selection.selector->matches(labels));
}

bool surely_share_targets(const api::TargetSelection& a, const api::TargetSelection& b) {
  if (a.names.empty() || b.names.empty()) return covers(a, b) || covers(b, a);
  // Both name targets: only those that both name can be shared.
  api::TargetSelection only_a = a, only_b = b;
  only_a.names.clear();
  std::ranges::copy_if(a.names, std::back_inserter(only_a.names),
                       [&](const std::string& name) { return lists(b.names, name); });
  if (only_a.names.empty()) return false;
  only_b.names = only_a.names;
  return covers(only_a, only_b) || covers(only_b, only_a);
}

}  // namespace headroom::plan
