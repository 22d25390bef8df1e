#include "operator/base/quantity.h"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>

namespace headroom {
namespace {

constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();
const Quantity kCap = Quantity::from_int(kMostInt64);

std::string plain(const char* text) {
  const auto parsed = Quantity::parse(text);
  return parsed ? parsed.value().to_string() : "refused";
}

TEST(Quantity, reads_what_kubernetes_writes) {
  const struct {
    const char *text, *value;
  } table[] = {
      {"0", "0"},
      {"60", "60"},
      {"500m", "0.5"},
      {"0.5", "0.5"},
      {".5", "0.5"},
      {"5.", "5"},
      {"+1", "1"},
      {"-1.5", "-1.5"},
      {"-500m", "-0.5"},
      {"007", "7"},
      {"1500u", "0.0015"},
      {"7n", "0.000000007"},
      {"2k", "2000"},
      {"1M", "1000000"},
      {"1G", "1000000000"},
      {"1000G", "1000000000000"},
      {"1T", "1000000000000"},
      {"1P", "1000000000000000"},
      {"1E", "1000000000000000000"},
      {"1Ki", "1024"},
      {"1.5Gi", "1610612736"},
      {"1Mi", "1048576"},
      {"1Ti", "1099511627776"},
      {"1Pi", "1125899906842624"},
      {"1Ei", "1152921504606846976"},
      {"0.1Ki", "102.4"},
      {"3e6", "3000000"},
      {"3E6", "3000000"},
      {"25e-3", "0.025"},
      {"1.25e+2", "125"},
  };
  for (const auto& row : table) EXPECT_EQ(plain(row.text), row.value) << row.text;
}

TEST(Quantity, refuses_what_kubernetes_refuses_and_names_the_value) {
  for (const char* text :
       {" ",   "abc", "1 ",  " 1",   "1KiB",  "1K",  "1ki", "1e", "1e+", "1e5k", "1.2.3",
        "--1", "+-1", "1-3", "0x10", "1_000", "1,5", "inf", "Pi", "Ei",  "e-10", "1e9223372036854775808"}) {
    const auto parsed = Quantity::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text << " became " << parsed.value().to_string();
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find(std::string("\"") + text + "\""), std::string::npos)
        << parsed.error().message;
    EXPECT_NE(parsed.error().message.find("500m"), std::string::npos) << "no remedy: " << parsed.error().message;
  }
  EXPECT_FALSE(Quantity::parse("").has_value());
}

TEST(Quantity, follows_go_where_digits_are_missing) {
  for (const char* text : {"+", "-", ".", "-.", "m", "Ti", "e5", ".Ki"}) EXPECT_EQ(plain(text), "0") << text;
}

TEST(Quantity, narrows_exponents_to_32_bits_as_go_does) {
  EXPECT_EQ(plain("1e4294967299"), "1000");
  EXPECT_EQ(plain("-7e4294967296"), "-7");
  EXPECT_EQ(Quantity::parse("1.5e-2147483648").value(), kCap);
}

TEST(Quantity, rounds_below_a_nano_away_from_zero) {
  const struct {
    const char *text, *value;
  } table[] = {
      {"0.1n", "0.000000001"},
      {"-0.1n", "-0.000000001"},
      {"1e-30", "0.000000001"},
      {"1.0000000001", "1.000000001"},
      {"0.0000000019", "0.000000002"},
      {"0.00000000100000000000000000000000", "0.000000001"},
      {"0e-30", "0"},
      {"0.0000000001Ki", "0.000000103"},
  };
  for (const auto& row : table) EXPECT_EQ(plain(row.text), row.value) << row.text;
}

TEST(Quantity, caps_magnitudes_at_the_largest_int64) {
  for (const char* text : {"9223372036854775807", "9223372036854775808", "9223372036854775807.000000001", "10E", "8Ei",
                           "7.99999999999999999999999Ei", "9223372036854775807Ei", "1e30", "1e2147483647",
                           "99999999999999999999999999999999"}) {
    EXPECT_EQ(Quantity::parse(text).value(), kCap) << text;
    EXPECT_EQ(Quantity::parse(std::string("-") + text).value(), Quantity() - kCap) << text;
  }
  EXPECT_EQ(plain("9223372036854775806.999999999"), "9223372036854775806.999999999");
  EXPECT_EQ(plain("8191.5Pi"), "9222809086901354496");
}

std::string rewritten(const char* text) {
  const auto parsed = Quantity::parse_written(text);
  return parsed ? parsed.value().value.canonical(parsed.value().format) : "refused";
}

TEST(Quantity, writes_the_family_it_was_written_in_as_kubernetes_does) {
  const struct {
    const char *text, *canonical;
  } table[] = {
      {"0", "0"},
      {"0Ki", "0"},
      {"32G", "32G"},
      {"32000000000", "32G"},
      {"1.5G", "1500M"},
      {"0.5", "500m"},
      {"-1.5", "-1500m"},
      {"1000m", "1"},
      {"1500", "1500"},
      {"1.000000001", "1000000001n"},
      {"32Gi", "32Gi"},
      {"1.5Gi", "1536Mi"},
      {"1024Mi", "1Gi"},
      {"1000Ki", "1000Ki"},
      {"-2048Ki", "-2Mi"},
      {"0.5Ki", "512"},
      {"1.0001Ki", "1024102400u"},
      {"0.1Ki", "102400m"},
      {"8191Pi", "8191Pi"},
      {"0.0005Ki", "512m"},
      {"0.9765625Ki", "1k"},
      {"3e9", "3e9"},
      {"1.25e4", "12500"},
      {"25e-3", "25e-3"},
      {"1e1", "10"},
      {"+007k", "7k"},
      {"7E", "7E"},
      {"7e18", "7e18"},
      {"7Ei", "7Ei"},
  };
  for (const auto& row : table) EXPECT_EQ(rewritten(row.text), row.canonical) << row.text;
}

TEST(Quantity, writes_sums_beyond_the_largest_suffix_without_changing_them) {
  EXPECT_EQ((Quantity::parse("7E").value() * 1'000'000).canonical(), "7000000E");
  EXPECT_EQ((Quantity::parse("4Ei").value() * 1024).canonical(QuantityFormat::BinarySI), "4096Ei");
  EXPECT_EQ((Quantity::parse("7e18").value() * 1000).canonical(QuantityFormat::DecimalExponent), "7000e18");
  EXPECT_EQ((kCap * -kMostInt64).canonical(), "-170141183460469231731687303715884105728n");
}

TEST(Quantity, survives_text_of_any_length) {
  const std::string zeros(100'000, '0'), nines(100'000, '9');
  EXPECT_EQ(Quantity::parse(zeros + "1").value(), Quantity::from_int(1));
  EXPECT_EQ(Quantity::parse("0." + zeros + "1").value(), Quantity::from_nano(1));
  EXPECT_EQ(Quantity::parse("0." + nines + "Ki").value(), Quantity::from_int(1024));
  EXPECT_EQ(Quantity::parse(nines).value(), kCap);
  EXPECT_LT(Quantity::parse(nines + "x").error().message.size(), 300U) << "the message quotes the whole input";
}

TEST(Quantity, rounds_up_to_integers) {
  const struct {
    const char* text;
    std::int64_t ceiling;
  } table[] = {{"0", 0},   {"0.1n", 1},  {"1", 1},       {"1.000000001", 2},  {"-0.5", 0},
               {"-1", -1}, {"-1.5", -1}, {"150.1", 151}, {"10E", kMostInt64}, {"-10E", -kMostInt64}};
  for (const auto& row : table) EXPECT_EQ(Quantity::parse(row.text).value().ceil(), row.ceiling) << row.text;
  EXPECT_EQ((kCap * 4).ceil(), kMostInt64);
  EXPECT_EQ((kCap * -4).ceil(), std::numeric_limits<std::int64_t>::min());
}

TEST(Quantity, multiplies_sizes_without_floating_point_error) {
  const struct {
    const char* ratio;
    int size, result;
  } table[] = {{"0.1", 30, 3},
               {"0.5", 3, 2},
               {"1.1", 10, 11},
               {"2", 30, 60},
               {"0.000000001", 1, 1},
               {"0.3", 10, 3},
               {"-2", 30, 0},
               {"2", -30, 0},
               {"0", 7, 0},
               {"10E", 1, 2'147'483'647},
               {"10E", 2'147'483'647, 2'147'483'647}};
  for (const auto& row : table) {
    EXPECT_EQ(ceil_times(Quantity::parse(row.ratio).value(), row.size), row.result) << row.ratio << " x " << row.size;
  }
}

TEST(Quantity, stops_at_the_end_of_its_range_instead_of_wrapping) {
  const Quantity most = kCap * kMostInt64, least = kCap * -kMostInt64;
  EXPECT_GT(most, kCap);
  EXPECT_EQ(most + kCap, most);
  EXPECT_EQ(most * kMostInt64, most);
  EXPECT_EQ(least - kCap, least);
  EXPECT_EQ(least * kMostInt64, least);
  EXPECT_EQ(least * -1, most);
  EXPECT_EQ(most.to_string(), "170141183460469231731687303715.884105727");
  EXPECT_EQ(least.to_string(), "-170141183460469231731687303715.884105728");
}

TEST(Quantity, orders_and_adds_exactly) {
  const Quantity third = Quantity::parse("0.333333333").value();
  EXPECT_EQ((third + third + third).to_string(), "0.999999999");
  EXPECT_LT(third * 3, Quantity::from_int(1));
  EXPECT_EQ((Quantity::from_int(1) - Quantity::parse("500m").value()).to_string(), "0.5");
  EXPECT_EQ(Quantity::parse("1Ki").value(), Quantity::parse("1024").value());
}

TEST(Quantity, approximates_for_charts) {
  EXPECT_DOUBLE_EQ(Quantity::parse("355.5G").value().to_double(), 355.5e9);
  EXPECT_DOUBLE_EQ(Quantity::parse("-250m").value().to_double(), -0.25);
}

}  // namespace
}  // namespace headroom
