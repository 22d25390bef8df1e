// Where a ScaleLimit reads inside an object: ".spec.sizeBytes", ".spec.containers[*].resources.requests['cpu']". A
// small, exact part of JSONPath, without filters, slices or recursive descent. Plain values, pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace headroom::api {

/// A parsed path. The grammar, of which the schemas' pattern is a copy:
///
///     path  = "." name step*          at most 256 bytes and 16 steps, at most 2 of them "[*]"
///     step  = "." name | "['" key "']" | "[" index "]" | "[*]"
///     name  = [A-Za-z_][A-Za-z0-9_-]*
///     key   = [A-Za-z0-9._/-]+        for names with dots or slashes: ['nvidia.com/gpu'], ['example.com/size']
///     index = 0 | [1-9][0-9]{0,3}
class JsonPath {
 public:
  struct Step {
    enum class Kind { Member, Index, Each };
    Kind kind = Kind::Member;
    std::string name;  ///< Member
    int index = 0;     ///< Index: of a list, from 0
    bool operator==(const Step&) const = default;
  };

  /// No path; what a default-constructed struct holds until it is read.
  JsonPath() = default;
  /// InvalidArgument names the path and what it should look like.
  static Result<JsonPath> parse(std::string_view text);

  const std::string& text() const { return text_; }  ///< as it was written
  const std::vector<Step>& steps() const { return steps_; }
  bool empty() const { return steps_.empty(); }
  /// Whether it may name several values, having "[*]".
  bool names_many() const;
  /// Whether it lies in `.status`, which only the `/status` subresource may write.
  bool in_status() const { return !steps_.empty() && steps_.front().name == "status"; }
  /// By what they name: `.a['b']` equals `.a.b`.
  bool operator==(const JsonPath& other) const { return steps_ == other.steps_; }

 private:
  std::string text_;
  std::vector<Step> steps_;
};

}  // namespace headroom::api
