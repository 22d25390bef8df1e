// 'min %d is above %d'.format([...]). Pure. Internal to this folder.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/cel/value.h"

namespace headroom::cel {

/// The clauses %s, %d, %f, %e (both with a precision), %b, %o, %x, %X and %%.
Result<std::string> formatted(std::string_view format, const List& arguments);

}  // namespace headroom::cel
