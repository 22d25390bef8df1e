#include "operator/limits/field_values.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::limits {

Result<FieldValues> read_field(const ObjectView& object, const api::JsonPath& path) {
  FieldValues values;
  std::optional<Error> wrong;
  object.each(path, [&](const ObjectView::Scalar& scalar) {
    if (wrong) return;
    const bool readable =
        scalar.kind == ObjectView::Scalar::Kind::Text || scalar.kind == ObjectView::Scalar::Kind::Number;
    const Result<Quantity> quantity = readable ? Quantity::parse(scalar.text) : Result<Quantity>(invalid(""));
    if (!quantity || quantity.value() < Quantity()) {
      wrong = invalid(absl::StrCat(path.text(), " is \"", std::string(scalar.text.substr(0, 64)),
                                   "\": must be a quantity of 0 or more, such as 5, \"500M\" or \"1Gi\""));
      return;
    }
    const Amount amount = quantity.value().nano();
    if (__builtin_add_overflow(values.sum, amount, &values.sum)) {
      wrong = invalid(absl::StrCat(path.text(), ": the values are too large to be added"));
      return;
    }
    values.most = std::max(values.most, std::optional(amount));
  });
  if (wrong) return *wrong;
  return values;
}

const api::JsonPath& replicas_path() {
  static const api::JsonPath path = api::JsonPath::parse(".spec.replicas").value();
  return path;
}

}  // namespace headroom::limits
