#include "operator/limits/field_requirement.h"

#include <algorithm>

namespace headroom::limits {

bool satisfied(const api::FieldRequirement& requirement, const ObjectView& object) {
  using Operator = api::FieldRequirement::Operator;
  bool there = false;
  bool listed = false;
  object.each(requirement.path, [&](const ObjectView::Scalar& scalar) {
    there = true;
    listed = listed || (scalar.kind != ObjectView::Scalar::Kind::Other &&
                        std::ranges::find(requirement.values, scalar.text) != requirement.values.end());
  });
  switch (requirement.op) {
    case Operator::In:
      return listed;
    case Operator::NotIn:
      return !listed;
    case Operator::Exists:
      return there;
    case Operator::DoesNotExist:
      return !there;
  }
  return false;
}

}  // namespace headroom::limits
