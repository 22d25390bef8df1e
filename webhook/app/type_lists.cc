#include "webhook/app/type_lists.h"

#include <nlohmann/json.hpp>

#include "operator/limits/stored_object.h"

namespace headroom::webhook {

CountedObject count_object(const limits::LimitSet& limits, limits::TypeId type, const nlohmann::json& object) {
  const limits::StoredObject view(object);
  return {{limits::Uid::parse(view.uid()), limits::name_id(view.ns(), view.name()),
           limits::parse_revision(view.resource_version())},
          limits.memberships(type, view.ns(), view)};
}

void TypeList::add(const nlohmann::json& object) { objects_.push_back(count_object(*limits_, type_, object)); }

}  // namespace headroom::webhook
