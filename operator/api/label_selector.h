// Reading metav1.LabelSelector where it stands inside a larger object.
#pragma once

#include "operator/api/json_reader.h"
#include "operator/api/object.h"

namespace headroom::api {

/// `matchLabels` and `matchExpressions` of the object at `reader`; what is wrong goes to its fault.
LabelSelector read_selector(const JsonReader& reader);

}  // namespace headroom::api
