#include "operator/limits/stored_object.h"

#include <absl/hash/hash.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "operator/limits/number_text.h"

namespace headroom::limits {
namespace {

using nlohmann::json;
using Step = api::JsonPath::Step;

void take_scalar(const json& value, absl::FunctionRef<void(const ObjectView::Scalar&)> take) {
  using Kind = ObjectView::Scalar::Kind;
  if (value.is_null()) return;
  if (value.is_string()) return take({Kind::Text, value.get_ref<const std::string&>()});
  if (value.is_structured()) return take({Kind::Other, {}});
  if (value.is_boolean()) return take({Kind::Boolean, value.get<bool>() ? "true" : "false"});
  const NumberText text = value.is_number_unsigned()  ? NumberText(value.get<std::uint64_t>())
                          : value.is_number_integer() ? NumberText(value.get<std::int64_t>())
                                                      : NumberText(value.get<double>());
  take({Kind::Number, text.view()});
}

void walk(const json& value, std::span<const Step> steps, absl::FunctionRef<void(const ObjectView::Scalar&)> take) {
  if (steps.empty()) return take_scalar(value, take);
  const Step& step = steps.front();
  switch (step.kind) {
    case Step::Kind::Member:
      if (const auto it = value.is_object() ? value.find(step.name) : value.end(); it != value.end()) {
        walk(*it, steps.subspan(1), take);
      }
      return;
    case Step::Kind::Index:
      if (value.is_array() && static_cast<std::size_t>(step.index) < value.size()) {
        walk(value[static_cast<std::size_t>(step.index)], steps.subspan(1), take);
      }
      return;
    case Step::Kind::Each:
      if (!value.is_array()) return;
      for (const json& element : value) walk(element, steps.subspan(1), take);
  }
}

const json* metadata_of(const json& object) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find("metadata");
  return it != object.end() && it->is_object() ? &*it : nullptr;
}

}  // namespace

StoredObject::StoredObject(const json& object) : object_(object), metadata_(metadata_of(object)) {}

void StoredObject::each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const {
  walk(object_, path.steps(), take);
}

std::string_view StoredObject::of_metadata(const char* key) const {
  if (metadata_ == nullptr) return {};
  const auto it = metadata_->find(key);
  return it != metadata_->end() && it->is_string() ? std::string_view(it->get_ref<const std::string&>())
                                                   : std::string_view();
}

std::optional<std::string_view> StoredObject::label(std::string_view key) const {
  if (metadata_ == nullptr) return std::nullopt;
  const auto labels = metadata_->find("labels");
  if (labels == metadata_->end() || !labels->is_object()) return std::nullopt;
  const auto it = labels->find(std::string(key));
  if (it == labels->end() || !it->is_string()) return std::nullopt;
  return it->get_ref<const std::string&>();
}

std::string StoredObject::compact() const {
  if (metadata_ != nullptr && metadata_->contains("managedFields")) {
    json bare = object_;
    bare["metadata"].erase("managedFields");
    return bare.dump();
  }
  return object_.dump();
}

std::size_t StoredObject::compact_bytes() const { return compact().size(); }

std::uint64_t StoredObject::digest() const { return absl::Hash<std::string>{}(compact()); }

}  // namespace headroom::limits
