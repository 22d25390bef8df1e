#include "webhook/app/type_lists.h"

#include <malloc.h>

#include <nlohmann/json.hpp>

#include "operator/limits/stored_object.h"

namespace headroom::webhook {
namespace {

// Of objects. A list of so many leaves tens of megabytes free, but in pieces between others, and most processes that
// watch what seldom changes would never need them again.
constexpr std::size_t kLong = 10'000;

}  // namespace

CountedObject count_object(const limits::LimitSet& limits, limits::TypeId type, const nlohmann::json& object) {
  const limits::StoredObject view(object);
  const std::string_view ns = limits.namespace_of(type, view);
  return {{limits::Uid::parse(view.uid()), limits::name_id(ns, view.name()),
           limits::parse_revision(view.resource_version())},
          limits.memberships(type, ns, view)};
}

TypeList::~TypeList() {
  if (objects_.size() + meanwhile_.size() < kLong) return;
  objects_ = {};
  meanwhile_ = {};
  malloc_trim(0);
}

void TypeList::add(const nlohmann::json& object) { objects_.push_back(count_object(*limits_, type_, object)); }

}  // namespace headroom::webhook
