// One object of a review, as limits see it.
#pragma once

#include <simdjson.h>

#include <array>
#include <optional>
#include <string_view>

#include "operator/limits/object_view.h"
#include "webhook/raw_json.h"

namespace headroom::webhook {

/// Reads a simdjson element; what comes back lives as long as the parser's document, the text and this. One thread.
class JsonView final : public limits::ObjectView {
 public:
  /// `object` is an object of the document `text`; `place` tells how to get there, by the ordinal of the member at each
  /// of the two levels.
  void look_at(simdjson::dom::element object, std::string_view text, std::array<std::size_t, 2> place);

  void each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const override;
  std::optional<std::string_view> label(std::string_view key) const override;
  std::string_view name() const override { return of_metadata("name"); }
  std::string_view ns() const override { return of_metadata("namespace"); }
  std::string_view uid() const override { return of_metadata("uid"); }
  std::string_view resource_version() const override { return of_metadata("resourceVersion"); }
  bool deleting() const override { return !of_metadata("deletionTimestamp").empty(); }
  std::size_t most_bytes() const override { return text_.size(); }
  /// White space between the tokens does not count; strings and numbers count as sent. The first call reads the text.
  std::size_t compact_bytes() const override;
  std::uint64_t digest() const override;

 private:
  std::string_view of_metadata(std::string_view key) const;
  std::string_view raw_object() const;  // from its bracket to the end of the text
  /// Null where there are none.
  std::optional<RawMember> managed_fields() const;

  simdjson::dom::element object_;
  std::optional<simdjson::dom::object> metadata_;
  std::string_view text_;
  std::array<std::size_t, 2> place_{};
  mutable std::string_view raw_object_;    // once it was looked for
  mutable std::size_t compact_bytes_ = 0;  // the same
};

}  // namespace headroom::webhook
