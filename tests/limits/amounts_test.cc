#include "operator/limits/amounts.h"

#include <gtest/gtest.h>

#include "operator/limits/identity.h"

namespace headroom::limits {
namespace {

TEST(Amounts, count_alike_however_many_dimensions_there_are) {
  for (std::size_t dimensions = 0; dimensions <= 9; ++dimensions) {
    Amounts up(dimensions), down(dimensions);
    for (std::size_t i = 0; i < dimensions; ++i) {
      up.at(i) = static_cast<Amount>(i + 1);
      down.at(i) = -static_cast<Amount>(i + 1);
    }
    Amounts copy = up;
    EXPECT_EQ(copy += down, Amounts()) << dimensions;
    EXPECT_EQ(up - up, Amounts()) << dimensions;
    EXPECT_EQ(up - down, up + up) << dimensions;
    EXPECT_EQ(positive(down), Amounts()) << dimensions;
    EXPECT_EQ(most(up, down), up) << dimensions;
    EXPECT_EQ(least(up, down), down) << dimensions;
    EXPECT_EQ(up.covers(down), true) << dimensions;
    EXPECT_EQ(down.covers(up), dimensions == 0) << dimensions;
  }
}

TEST(Amounts, differ_by_any_one_dimension) {
  for (std::size_t changed = 0; changed < 9; ++changed) {
    const Amounts before(9);
    Amounts after(9);
    after.at(changed) = 1;
    EXPECT_NE(before, after) << changed;
    EXPECT_FALSE(before.covers(after)) << changed;
    EXPECT_FALSE(after.is_zero()) << changed;
  }
}

TEST(Uid, of_a_uuid_is_its_digits) {
  const Uid uid = Uid::parse("705ab4f5-6393-11e8-b7cc-42010a80000f");
  EXPECT_EQ(uid.high, 0x705ab4f5639311e8u);
  EXPECT_EQ(uid.low, 0xb7cc42010a80000fu);
}

TEST(Uid, of_what_is_no_uuid_is_a_hash_that_tells_them_apart) {
  const std::string uuid = "705ab4f5-6393-11e8-b7cc-42010a80000f";
  EXPECT_NE(Uid::parse("a"), Uid::parse("b"));
  EXPECT_EQ(Uid::parse("a"), Uid::parse("a"));
  EXPECT_NE(Uid::parse(uuid.substr(1)), Uid::parse(uuid));
  for (std::size_t at = 0; at < uuid.size(); ++at) {
    for (const char wrong : {'-', 'g', 'A', '/', ':', '`', '\xff'}) {
      if (uuid[at] == wrong) continue;
      std::string other = uuid;
      other[at] = wrong;
      const Uid uid = Uid::parse(other);
      EXPECT_TRUE(uid != Uid::parse(uuid)) << other;
      EXPECT_NE(uid.high >> 32, 0x705ab4f5u) << other << ": read as digits";
    }
  }
}

}  // namespace
}  // namespace headroom::limits
