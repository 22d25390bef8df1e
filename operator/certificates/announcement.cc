#include "operator/certificates/announcement.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

namespace headroom::certificates {

std::string announcement(const OtherReplica& replica) {
  return absl::StrCat("serving=", absl::StrJoin(replica.serving, ","), ";needs=", absl::StrJoin(replica.needs, ","));
}

OtherReplica read_announcement(std::string_view text) {
  OtherReplica replica;
  for (absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()), ';')) {
    AuthorityIds* const ids = absl::ConsumePrefix(&part, "serving=") ? &replica.serving
                              : absl::ConsumePrefix(&part, "needs=") ? &replica.needs
                                                                     : nullptr;
    if (ids == nullptr) continue;
    for (const absl::string_view id : absl::StrSplit(part, ',', absl::SkipEmpty())) ids->emplace(id);
  }
  return replica;
}

}  // namespace headroom::certificates
