// An object as lists and watches bring it, for limits to look at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "operator/limits/object_view.h"

namespace headroom::limits {

/// Borrows the object. Any thread, while nobody changes it.
class StoredObject final : public ObjectView {
 public:
  explicit StoredObject(const nlohmann::json& object);

  void each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const override;
  std::optional<std::string_view> label(std::string_view key) const override;
  std::string_view name() const override { return of_metadata("name"); }
  std::string_view ns() const override { return of_metadata("namespace"); }
  std::string_view uid() const override { return of_metadata("uid"); }
  std::string_view resource_version() const override { return of_metadata("resourceVersion"); }
  bool deleting() const override { return !of_metadata("deletionTimestamp").empty(); }
  std::size_t most_bytes() const override { return compact_bytes(); }
  std::size_t compact_bytes() const override;
  std::uint64_t digest() const override;

 private:
  std::string_view of_metadata(const char* key) const;
  std::string compact() const;

  const nlohmann::json& object_;
  const nlohmann::json* const metadata_;  ///< null where it has none
};

}  // namespace headroom::limits
