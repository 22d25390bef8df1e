// Text in XML: JUnit reports, SVG pictures.
#pragma once

#include <string>
#include <string_view>

namespace headroom {

/// `text` as it stands in an element or, in double quotes, in an attribute; line breaks survive in both. Control
/// characters that XML 1.0 cannot hold become U+FFFD. `text` is UTF-8. Thread-safe.
std::string xml_text(std::string_view text);

}  // namespace headroom
