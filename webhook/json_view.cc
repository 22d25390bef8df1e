#include "webhook/json_view.h"

#include <absl/hash/hash.h>

#include <charconv>

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

}  // namespace

void JsonView::look_at(dom::element object, std::string_view text, std::array<std::size_t, 2> place) {
  object_ = object;
  metadata_ = find_object(dom::object(object), "metadata");
  text_ = text;
  place_ = place;
  raw_object_ = {};
  compact_bytes_ = 0;
  integers_.clear();
}

void JsonView::each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const {
  Ordinals ordinals;
  walk(object_, path.steps(), ordinals, take);
}

// Members are followed by name and remembered by ordinal, for the literals of numbers.
void JsonView::walk(dom::element value, std::span<const Step> steps, Ordinals& ordinals,
                    absl::FunctionRef<void(const Scalar&)> take) const {
  const auto go_on = [&](dom::element next, std::size_t ordinal) {
    ordinals.push_back(ordinal);
    walk(next, steps.subspan(1), ordinals, take);
    ordinals.pop_back();
  };
  if (!steps.empty()) {
    const Step& step = steps.front();
    dom::object object;
    dom::array list;
    if (step.kind == Step::Kind::Member) {
      if (value.get(object) != simdjson::SUCCESS) return;
      if (const auto found = find(object, step.name)) go_on(found->value, found->ordinal);
      return;
    }
    if (value.get(list) != simdjson::SUCCESS) return;
    std::size_t index = 0;
    for (const dom::element element : list) {
      if (step.kind == Step::Kind::Each || index == static_cast<std::size_t>(step.index)) go_on(element, index);
      ++index;
    }
    return;
  }
  switch (value.type()) {
    case dom::element_type::STRING:
      return take({Scalar::Kind::Text, std::string_view(value)});
    case dom::element_type::BOOL:
      return take({Scalar::Kind::Boolean, bool(value) ? "true" : "false"});
    case dom::element_type::INT64:
      return take({Scalar::Kind::Number, digits(std::int64_t(value))});
    case dom::element_type::UINT64:
      return take({Scalar::Kind::Number, digits(std::uint64_t(value))});
    case dom::element_type::DOUBLE:
      return take({Scalar::Kind::Number, literal(ordinals)});
    case dom::element_type::NULL_VALUE:
      return;
    case dom::element_type::OBJECT:
    case dom::element_type::ARRAY:
      return take({Scalar::Kind::Other, {}});
  }
}

template <class Integer>
std::string_view JsonView::digits(Integer value) const {
  auto& buffer = integers_.emplace_back();
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

std::string_view JsonView::literal(std::span<const std::size_t> ordinals) const {
  std::string_view raw = raw_object();
  for (const std::size_t ordinal : ordinals) raw = nth_member(raw, ordinal).from_value;
  return leading_value(raw);
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
