// What a replica's Lease says of its certificates, as text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/certificates/trust.h"

namespace headroom::certificates {

/// "serving=<ids>;needs=<ids>", ids with commas between them.
std::string announcement(const OtherReplica& replica);
/// What cannot be read says nothing: no authority is given up sooner for it than OtherReplica's owner says.
OtherReplica read_announcement(std::string_view text);

}  // namespace headroom::certificates
