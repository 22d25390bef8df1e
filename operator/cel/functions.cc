// Which functions there are, and the operators.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "operator/cel/expression.h"

namespace headroom::cel {
namespace {

Error overflow(const char* of) { return cel_error(absl::StrCat(of, " overflow")); }

Result<Value> checked(absl::Duration duration) {
  constexpr absl::Duration kMost = absl::Nanoseconds(std::numeric_limits<std::int64_t>::max());
  constexpr absl::Duration kLeast = absl::Nanoseconds(std::numeric_limits<std::int64_t>::min());
  if (duration > kMost || duration < kLeast) return overflow("duration");
  return Value(duration);
}

Result<Value> checked(absl::Time time) {
  const absl::Time first = absl::FromUnixSeconds(-62135596800),
                   end = absl::FromUnixSeconds(253402300800);  // years 1 to 9999
  if (time < first || time >= end) return overflow("timestamp");
  return Value(time);
}

Result<Value> add(const Call& call) {
  const Value &a = call[0], &b = call[1];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(*x, *y, &sum) ? Result<Value>(overflow("integer")) : Result<Value>(Value(sum));
  }
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(*x, *y, &sum) ? Result<Value>(overflow("unsigned integer"))
                                                : Result<Value>(Value(sum));
  }
  if (const auto* x = a.as<double>(), *y = b.as<double>(); x && y) return Value(*x + *y);
  if (const auto* x = a.as<std::string>(), *y = b.as<std::string>(); x && y) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend((x->size() + y->size()) / 10));
    return Value(*x + *y);
  }
  if (const auto* x = a.as<Bytes>(), *y = b.as<Bytes>(); x && y) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend((x->data.size() + y->data.size()) / 10));
    return Value(Bytes{x->data + y->data});
  }
  if (const auto* x = a.as<List>(), *y = b.as<List>(); x && y) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(x->size() + y->size()));
    List joined = *x;
    joined.insert(joined.end(), y->begin(), y->end());
    return Value(std::move(joined));
  }
  const auto *a_time = a.as<absl::Time>(), *b_time = b.as<absl::Time>();
  const auto *a_span = a.as<absl::Duration>(), *b_span = b.as<absl::Duration>();
  if (a_span && b_span) return checked(*a_span + *b_span);
  if (a_time && b_span) return checked(*a_time + *b_span);
  if (a_span && b_time) return checked(*b_time + *a_span);
  return no_such_overload("_+_", call);
}

Result<Value> subtract(const Call& call) {
  const Value &a = call[0], &b = call[1];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y) {
    std::int64_t difference = 0;
    return __builtin_sub_overflow(*x, *y, &difference) ? Result<Value>(overflow("integer"))
                                                       : Result<Value>(Value(difference));
  }
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y) {
    return *x < *y ? Result<Value>(overflow("unsigned integer")) : Result<Value>(Value(*x - *y));
  }
  if (const auto* x = a.as<double>(), *y = b.as<double>(); x && y) return Value(*x - *y);
  const auto *a_time = a.as<absl::Time>(), *b_time = b.as<absl::Time>();
  const auto *a_span = a.as<absl::Duration>(), *b_span = b.as<absl::Duration>();
  if (a_time && b_time) return checked(*a_time - *b_time);
  if (a_time && b_span) return checked(*a_time - *b_span);
  if (a_span && b_span) return checked(*a_span - *b_span);
  return no_such_overload("_-_", call);
}

Result<Value> multiply(const Call& call) {
  const Value &a = call[0], &b = call[1];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(*x, *y, &product) ? Result<Value>(overflow("integer"))
                                                    : Result<Value>(Value(product));
  }
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y) {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(*x, *y, &product) ? Result<Value>(overflow("unsigned integer"))
                                                    : Result<Value>(Value(product));
  }
  if (const auto* x = a.as<double>(), *y = b.as<double>(); x && y) return Value(*x * *y);
  return no_such_overload("_*_", call);
}

Result<Value> divide(const Call& call) {
  const Value &a = call[0], &b = call[1];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y) {
    if (*y == 0) return cel_error("division by zero");
    if (*y == -1 && *x == std::numeric_limits<std::int64_t>::min()) return overflow("integer");
    return Value(*x / *y);
  }
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y) {
    if (*y == 0) return cel_error("division by zero");
    return Value(*x / *y);
  }
  if (const auto* x = a.as<double>(), *y = b.as<double>(); x && y) {
    if (*y != 0) return Value(*x / *y);
    if (*x == 0 || std::isnan(*x)) return Value(std::numeric_limits<double>::quiet_NaN());
    const bool negative = std::signbit(*x) != std::signbit(*y);
    return Value(negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity());
  }
  return no_such_overload("_/_", call);
}

Result<Value> modulo(const Call& call) {
  const Value &a = call[0], &b = call[1];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y) {
    if (*y == 0) return cel_error("modulus by zero");
    if (*y == -1)
      return *x == std::numeric_limits<std::int64_t>::min() ? Result<Value>(overflow("integer"))
                                                            : Result<Value>(Value(0));
    return Value(*x % *y);
  }
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y) {
    if (*y == 0) return cel_error("modulus by zero");
    return Value(*x % *y);
  }
  return no_such_overload("_%_", call);
}

Result<Value> negate(const Call& call) {
  if (const auto* number = call[0].as<std::int64_t>()) {
    if (*number == std::numeric_limits<std::int64_t>::min()) return overflow("integer");
    return Value(-*number);
  }
  if (const auto* number = call[0].as<double>()) return Value(-*number);
  if (const auto* duration = call[0].as<absl::Duration>()) return checked(-*duration);
  return no_such_overload("-_", call);
}

Result<Value> logical_not(const Call& call) {
  if (const bool* flag = call[0].as<bool>()) return Value(!*flag);
  return no_such_overload("!_", call);
}

template <bool (*Holds)(int order)>
Result<Value> ordered(const Call& call) {
  const int order = compare(call[0], call[1]);
  if (order != kIncomparable) return Value(Holds(order));
  // NaN is neither before nor after anything.
  if (call[0].is_number() && call[1].is_number()) return Value(false);
  return no_such_overload("_<_", call);
}
bool is_less(int order) { return order < 0; }
bool is_at_most(int order) { return order <= 0; }
bool is_greater(int order) { return order > 0; }
bool is_at_least(int order) { return order >= 0; }

std::size_t size_of(const Value& value) {
  if (const List* list = value.as<List>()) return list->size();
  if (const Map* map = value.as<Map>()) return map->size();
  return 1;
}

template <bool Wanted>
Result<Value> equals(const Call& call) {
  BOOST_OUTCOME_TRYV(call.evaluation.spend(std::min(size_of(call[0]), size_of(call[1]))));
  return Value(equal(call[0], call[1]) == Wanted);
}

Result<Value> contained(const Call& call) {
  if (const List* list = call[1].as<List>()) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(list->size()));
    return Value(std::ranges::any_of(*list, [&](const Value& each) { return equal(each, call[0]); }));
  }
  if (const Map* map = call[1].as<Map>()) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(map->size()));
    return Value(find(*map, call[0]) != nullptr);
  }
  return no_such_overload("_in_", call);
}

Result<Value> element(const Call& call) {
  if (const List* list = call[0].as<List>()) {
    const auto* index = call[1].as<std::int64_t>();
    if (!index) return no_such_overload("_[_]", call);
    if (*index < 0 || *index >= static_cast<std::int64_t>(list->size())) {
      return cel_error(absl::StrCat("index out of bounds: ", *index));
    }
    return (*list)[static_cast<std::size_t>(*index)];
  }
  if (const Map* map = call[0].as<Map>()) {
    const Value* found = find(*map, call[1]);
    if (!found) return cel_error(absl::StrCat("no such key: ", to_text(call[1])));
    return *found;
  }
  return no_such_overload("_[_]", call);
}

constexpr Function kOperators[] = {
    {"_+_", false, 2, add},
    {"_-_", false, 2, subtract},
    {"_*_", false, 2, multiply},
    {"_/_", false, 2, divide},
    {"_%_", false, 2, modulo},
    {"-_", false, 1, negate},
    {"!_", false, 1, logical_not},
    {"_==_", false, 2, equals<true>},
    {"_!=_", false, 2, equals<false>},
    {"_<_", false, 2, ordered<is_less>},
    {"_<=_", false, 2, ordered<is_at_most>},
    {"_>_", false, 2, ordered<is_greater>},
    {"_>=_", false, 2, ordered<is_at_least>},
    {"_in_", false, 2, contained},
    {"_[_]", false, 2, element},
};

std::array<std::span<const Function>, 7> all_functions() {
  return {operator_functions(), conversion_functions(), time_functions(),      string_functions(),
          list_functions(),     pattern_functions(),    kubernetes_functions()};
}

}  // namespace

std::span<const Function> operator_functions() { return kOperators; }

const Function* find_function(std::string_view name, bool member, std::size_t arity) {
  for (const auto& group : all_functions()) {
    for (const Function& each : group) {
      if (each.name == name && each.member == member && each.arity == static_cast<int>(arity)) return &each;
    }
  }
  return nullptr;
}

bool is_function_name(std::string_view name) {
  return std::ranges::any_of(all_functions(), [&](const auto& group) {
    return std::ranges::any_of(group, [&](const Function& each) { return each.name == name; });
  });
}

Error no_such_overload(const char* name, const Call& call) {
  std::string types;
  for (const Value& argument : call.arguments) {
    absl::StrAppend(&types, types.empty() ? "" : ", ", argument.type_name());
  }
  return cel_error(absl::StrCat("no such overload: ", name, "(", types, ")"));
}

}  // namespace headroom::cel
