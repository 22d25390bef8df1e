// What limits say of objects, in the Common Expression Language of the API server. Pure.
//
// The API server refuses a write, or asks nobody about it, when an expression fails while it is evaluated. So none of
// these can: each step asks first whether the value is there and of the kind that the step needs. Values are dynamic
// (`dyn(object)`), because a typed one is refused by the type checker where its schema does not know a field.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/json_path.h"
#include "operator/api/scale_limit.h"

namespace headroom::backstop {

/// As a string literal.
std::string cel_text(std::string_view text);
/// As a list of string literals.
std::string cel_texts(const std::vector<std::string>& texts);

/// An expression about one value, which `value` names.
using CelPredicate = std::function<std::string(const std::string& value)>;

/// Whether one of the values that `path` names within `root` satisfies the predicate; those that are absent or null do
/// not count. Nested ones use different variables where `depth` differs by two or more.
std::string any_value(const api::JsonPath& path, const std::string& root, const CelPredicate& predicate, int depth = 0);

/// Whether both say the same at the path: of "[*]", the whole list.
std::string same_value(const api::JsonPath& path, const std::string& one, const std::string& other);

/// Whether a value is an amount as limits read them: a quantity that is not negative, as text or number.
std::string is_amount(const std::string& value);
/// Of such a value.
std::string amount(const std::string& value);
/// Whether `path`, which names one value, says no larger amount in `one` than in `other`, or nothing.
std::string no_more(const api::JsonPath& path, const std::string& one, const std::string& other);

/// As api::LabelSelector::matches() of the labels of `root`.
std::string selects_labels(const api::LabelSelector& selector, const std::string& root);
/// As limits read it. Numbers with a fraction are compared as CEL writes them: 1234567.5 as "1.2345675e+06".
std::string satisfies(const api::FieldRequirement& requirement, const std::string& root);

/// All of them; "true" where there are none.
std::string all_of(const std::vector<std::string>& expressions);
/// Any of them; "false" where there are none.
std::string any_of(const std::vector<std::string>& expressions);

}  // namespace headroom::backstop
