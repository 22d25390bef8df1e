#include "webhook/json_view.h"

#include <absl/hash/hash.h>

#include <span>

#include "operator/limits/number_text.h"

namespace headroom::webhook {
namespace {

namespace dom = simdjson::dom;
using Step = api::JsonPath::Step;
using Scalar = limits::ObjectView::Scalar;

struct Found {
  dom::element value;
  std::size_t ordinal = 0;
};

std::optional<Found> find(dom::object object, std::string_view key) {
  std::size_t ordinal = 0;
  for (auto field = object.begin(); field != object.end(); ++field, ++ordinal) {
    if (field.key_equals(key)) return Found{field.value(), ordinal};
  }
  return {};
}

std::optional<dom::object> find_object(dom::object object, std::string_view key) {
  const std::optional<Found> found = find(object, key);
  dom::object inner;
  if (!found || found->value.get(inner) != simdjson::SUCCESS) return {};
  return inner;
}

std::optional<std::string_view> find_text(dom::object object, std::string_view key) {
  const std::optional<Found> found = find(object, key);
  std::string_view text;
  if (!found || found->value.get(text) != simdjson::SUCCESS) return {};
  return text;
}

void take_scalar(dom::element value, absl::FunctionRef<void(const Scalar&)> take) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return take({Scalar::Kind::Text, std::string_view(value)});
    case dom::element_type::BOOL:
      return take({Scalar::Kind::Boolean, bool(value) ? "true" : "false"});
    case dom::element_type::INT64:
      return take({Scalar::Kind::Number, limits::NumberText(std::int64_t(value)).view()});
    case dom::element_type::UINT64:
      return take({Scalar::Kind::Number, limits::NumberText(std::uint64_t(value)).view()});
    case dom::element_type::DOUBLE:
      return take({Scalar::Kind::Number, limits::NumberText(double(value)).view()});
    case dom::element_type::NULL_VALUE:
      return;
    case dom::element_type::OBJECT:
    case dom::element_type::ARRAY:
      return take({Scalar::Kind::Other, {}});
  }
}

void walk(dom::element value, std::span<const Step> steps, absl::FunctionRef<void(const Scalar&)> take) {
  if (steps.empty()) return take_scalar(value, take);
  const Step& step = steps.front();
  const auto rest = steps.subspan(1);
  if (step.kind == Step::Kind::Member) {
    dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return;
    if (const auto found = find(object, step.name)) walk(found->value, rest, take);
    return;
  }
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return;
  std::size_t index = 0;
  for (const dom::element element : list) {
    if (step.kind == Step::Kind::Each || index == static_cast<std::size_t>(step.index)) walk(element, rest, take);
    ++index;
  }
}

}  // namespace

void JsonView::look_at(dom::element object, std::string_view text, std::array<std::size_t, 2> place) {
  object_ = object;
  metadata_ = find_object(dom::object(object), "metadata");
  text_ = text;
  place_ = place;
  raw_object_ = {};
  compact_bytes_ = 0;
}

void JsonView::each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const {
  walk(object_, path.steps(), take);
}

std::optional<std::string_view> JsonView::label(std::string_view key) const {
  if (!metadata_) return {};
  const std::optional<dom::object> labels = find_object(*metadata_, "labels");
  return labels ? find_text(*labels, key) : std::nullopt;
}

std::string_view JsonView::of_metadata(std::string_view key) const {
  return metadata_ ? find_text(*metadata_, key).value_or(std::string_view()) : std::string_view();
}

std::string_view JsonView::raw_object() const {
  if (raw_object_.empty()) {
    raw_object_ = text_;
    for (const std::size_t ordinal : place_) raw_object_ = nth_member(raw_object_, ordinal).from_value;
  }
  return raw_object_;
}

std::size_t JsonView::compact_bytes() const {
  if (compact_bytes_ > 0) return compact_bytes_;
  const std::string_view raw = raw_object();
  compact_bytes_ = compact_size(raw);
  if (const std::optional<RawMember> left_out = managed_fields()) {
    const std::size_t comma = metadata_->size() > 1 ? 1 : 0;
    compact_bytes_ -= left_out->key.size() + 1 + compact_size(left_out->from_value) + comma;
  }
  return compact_bytes_;
}

std::optional<RawMember> JsonView::managed_fields() const {
  const std::optional<Found> managed = metadata_ ? find(*metadata_, "managedFields") : std::nullopt;
  if (!managed) return std::nullopt;
  const RawMember metadata = nth_member(raw_object(), find(dom::object(object_), "metadata")->ordinal);
  return nth_member(metadata.from_value, managed->ordinal);
}

std::uint64_t JsonView::digest() const {
  const std::string_view raw = leading_value(raw_object());
  const std::optional<RawMember> left_out = managed_fields();
  if (!left_out) return absl::Hash<std::string_view>{}(raw);
  const auto before = static_cast<std::size_t>(left_out->key.data() - raw.data());
  const std::string_view value = leading_value(left_out->from_value);
  const auto after = static_cast<std::size_t>(value.data() + value.size() - raw.data());
  return absl::HashOf(raw.substr(0, before), raw.substr(after));
}

}  // namespace headroom::webhook
