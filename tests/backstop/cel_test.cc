// Text that goes into expressions. What the API server makes of them is tested against one.
#include "operator/backstop/cel.h"

#include <gtest/gtest.h>

#include "operator/backstop/excluded_namespaces.h"

namespace headroom::backstop {
namespace {

TEST(CelText, quotes_what_would_end_the_literal) {
  EXPECT_EQ(cel_text("plain"), "'plain'");
  EXPECT_EQ(cel_text("it's"), "'it\\'s'");
  EXPECT_EQ(cel_text("C:\\n"), "'C:\\\\n'");
  EXPECT_EQ(cel_text("a\nb\x7f"), "'a\\x0ab\\x7f'");
  EXPECT_EQ(cel_text("größer"), "'größer'");
  EXPECT_EQ(cel_texts({"a", "b'"}), "['a', 'b\\'']");
  EXPECT_EQ(cel_texts({}), "[]");
}

TEST(CelText, of_all_and_any_of_nothing_is_what_logic_says) {
  EXPECT_EQ(all_of({}), "true");
  EXPECT_EQ(any_of({}), "false");
  EXPECT_EQ(all_of({"a"}), "a");
  EXPECT_EQ(any_of({"a", "b"}), "(a || b)");
}

TEST(CelText, looks_at_each_step_before_it_takes_it) {
  const api::JsonPath path = api::JsonPath::parse(".spec.parts[*].sizes[0]").value();
  EXPECT_EQ(
      any_value(path, "object", [](const std::string& value) { return value + " > 1"; }),
      "(type(object) == map && 'spec' in object && (type(object['spec']) == map && 'parts' in object['spec'] && "
      "(type(object['spec']['parts']) == list && object['spec']['parts'].exists(each0, (type(each0) == map && "
      "'sizes' in each0 && (type(each0['sizes']) == list && size(each0['sizes']) > 0 && (each0['sizes'][0] != null "
      "&& each0['sizes'][0] > 1)))))))");
}

TEST(ExcludedNamespaces, are_ones_own_and_the_control_planes) {
  EXPECT_EQ(excluded_namespaces("headroom-system"),
            (std::vector<std::string>{"headroom-system", "kube-node-lease", "kube-public", "kube-system"}));
  EXPECT_EQ(excluded_namespaces("kube-system"),
            (std::vector<std::string>{"kube-node-lease", "kube-public", "kube-system"}));
}

}  // namespace
}  // namespace headroom::backstop
