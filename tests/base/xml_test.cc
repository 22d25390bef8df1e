#include "operator/base/xml.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(Xml, holds_any_text) {
  EXPECT_EQ(xml_text("a < b && c > \"d\""), "a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
  EXPECT_EQ(xml_text("one\ntwo\r\n\tthree"), "one&#10;two&#13;&#10;&#9;three");
  EXPECT_EQ(xml_text(std::string_view("bell\x07 nul\0", 10)), "bell\xEF\xBF\xBD nul\xEF\xBF\xBD");
  EXPECT_EQ(xml_text("दीवाली"), "दीवाली");
  EXPECT_EQ(xml_text(""), "");
}

}  // namespace
}  // namespace headroom
