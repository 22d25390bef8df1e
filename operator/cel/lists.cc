// Kubernetes' functions of lists, the positions of texts in texts (which share their names), and sets.
#include <algorithm>
#include <limits>

#include "operator/cel/expression.h"
#include "operator/cel/text.h"

namespace headroom::cel {
namespace {

bool sortable(const Value& value) {
  return value.is_number() || value.as<bool>() || value.as<std::string>() || value.as<Bytes>() ||
         value.as<absl::Time>() || value.as<absl::Duration>();
}

Result<Value> is_sorted(const Call& call) {
  const List* list = call[0].as<List>();
  if (!list) return no_such_overload("isSorted", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(list->size()));
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!sortable((*list)[i])) return no_such_overload("isSorted", call);
    if (i == 0) continue;
    const int order = compare((*list)[i - 1], (*list)[i]);
    if (order == kIncomparable) return no_such_overload("isSorted", call);
    if (order > 0) return Value(false);
  }
  return Value(true);
}

Result<Value> sum(const Call& call) {
  const List* list = call[0].as<List>();
  if (!list) return no_such_overload("sum", call);
  Value total(0);
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (i == 0) {
      if (!(*list)[0].is_number() && !(*list)[0].as<absl::Duration>()) return no_such_overload("sum", call);
      total = (*list)[0];
      continue;
    }
    const Value operands[] = {total, (*list)[i]};
    const Function* add = find_function("_+_", false, 2);
    BOOST_OUTCOME_TRYV(call.evaluation.spend(1));
    BOOST_OUTCOME_TRY(next, add->call({operands, nullptr, call.evaluation}));
    total = std::move(next);
  }
  return total;
}

template <int Sign>
Result<Value> extreme(const Call& call) {
  const List* list = call[0].as<List>();
  if (!list) return no_such_overload("min or max", call);
  if (list->empty()) return cel_error("min and max of an empty list");
  BOOST_OUTCOME_TRYV(call.evaluation.spend(list->size()));
  const Value* best = &list->front();
  for (const Value& each : *list) {
    const int order = sortable(each) ? compare(each, *best) : kIncomparable;
    if (order == kIncomparable) return no_such_overload("min or max", call);
    if (order * Sign > 0) best = &each;
  }
  return *best;
}

Result<Value> index_in_text(const Call& call, const std::string& text, bool last) {
  const auto* part = call[1].as<std::string>();
  const auto* offset = call.arguments.size() == 3 ? call[2].as<std::int64_t>() : nullptr;
  if (!part || (call.arguments.size() == 3 && !offset)) return no_such_overload("indexOf", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend((text.size() + part->size()) / 10));
  const Characters characters(text);
  const auto size = static_cast<std::int64_t>(characters.size());
  const std::int64_t from = offset ? *offset : last ? size : 0;
  if (from < 0 || from > size) return cel_error("index out of range");
  const auto at = static_cast<std::size_t>(from);
  return Value(last ? characters.find_last(*part, at) : characters.find(*part, at));
}

Result<Value> index_of(const Call& call) {
  if (const auto* text = call[0].as<std::string>()) return index_in_text(call, *text, false);
  const List* list = call[0].as<List>();
  if (!list || call.arguments.size() == 3) return no_such_overload("indexOf", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(list->size()));
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (equal((*list)[i], call[1])) return Value(static_cast<std::int64_t>(i));
  }
  return Value(-1);
}

Result<Value> last_index_of(const Call& call) {
  if (const auto* text = call[0].as<std::string>()) return index_in_text(call, *text, true);
  const List* list = call[0].as<List>();
  if (!list || call.arguments.size() == 3) return no_such_overload("lastIndexOf", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(list->size()));
  for (std::size_t i = list->size(); i > 0; --i) {
    if (equal((*list)[i - 1], call[1])) return Value(static_cast<std::int64_t>(i - 1));
  }
  return Value(-1);
}

bool holds(const List& list, const Value& value) {
  return std::ranges::any_of(list, [&](const Value& each) { return equal(each, value); });
}
bool holds_all(const List& list, const List& part) {
  return std::ranges::all_of(part, [&](const Value& each) { return holds(list, each); });
}
bool equivalent(const List& a, const List& b) { return holds_all(a, b) && holds_all(b, a); }
bool intersects(const List& a, const List& b) {
  return std::ranges::any_of(b, [&](const Value& each) { return holds(a, each); });
}

template <bool (*Holds)(const List&, const List&)>
Result<Value> set_relation(const Call& call) {
  const List *a = call[0].as<List>(), *b = call[1].as<List>();
  if (!a || !b) return no_such_overload("sets", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(2 * a->size() * b->size()));
  return Value(Holds(*a, *b));
}

constexpr Function kFunctions[] = {
    {"isSorted", true, 1, is_sorted},
    {"sum", true, 1, sum},
    {"min", true, 1, extreme<-1>},
    {"max", true, 1, extreme<1>},
    {"indexOf", true, 2, index_of},
    {"indexOf", true, 3, index_of},
    {"lastIndexOf", true, 2, last_index_of},
    {"lastIndexOf", true, 3, last_index_of},
    {"sets.contains", false, 2, set_relation<holds_all>},
    {"sets.equivalent", false, 2, set_relation<equivalent>},
    {"sets.intersects", false, 2, set_relation<intersects>},
};

}  // namespace

std::span<const Function> list_functions() { return kFunctions; }

}  // namespace headroom::cel
