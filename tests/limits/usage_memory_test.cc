// How much memory the cache of what is stored takes, counted where it comes from.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "operator/limits/usage_cache.h"

namespace {

std::atomic<std::int64_t> held{0};

void* taken(std::size_t bytes, std::size_t alignment) {
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const memory =
      alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, whole) : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  held += static_cast<std::int64_t>(malloc_usable_size(memory));
  return memory;
}

void given_back(void* memory) {
  held -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// For the whole program.
void* operator new(std::size_t bytes) { return taken(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return taken(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { given_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { given_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { given_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { given_back(memory); }

namespace headroom::limits {
namespace {

constexpr LimitId kLimit = 1;
constexpr TypeId kType = 5;

// As spread out as what the API server makes up.
Uid uid(std::uint64_t number) {
  const std::uint64_t high = (number + 1) * 0x9E3779B97F4A7C15u;
  return {high, (high ^ high >> 29) * 0xBF58476D1CE4E5B9u};
}

// Bytes for each of `objects`, of a limit with a count and so many sums.
double bytes_each(std::uint64_t objects, std::size_t sums, bool listed) {
  const std::int64_t before = held;
  UsageCache cache;
  cache.define(kLimit, 1 + sums, true, std::array{kType});
  Amounts amounts(1 + sums);
  for (std::size_t i = 0; i <= sums; ++i) amounts.at(i) = Amount{Quantity::kNano} * static_cast<Amount>(i + 1);
  const std::vector<Membership> counted{{kLimit, true, amounts}};
  cache.begin_list(kType);
  if (!listed) (void)cache.commit_list(kType, 1);
  for (std::uint64_t i = 0; i < objects; ++i) {
    const ListedObject object{uid(i), uid(i + objects), static_cast<Revision>(i + 2)};
    listed ? cache.listed(kType, object, counted) : cache.applied(kType, object, counted);
  }
  if (listed) (void)cache.commit_list(kType, static_cast<Revision>(objects) + 2);
  EXPECT_EQ(cache.objects(kLimit), objects);
  return static_cast<double>(held - before) / static_cast<double>(objects);
}

TEST(UsageMemory, an_object_takes_less_than_64_bytes_and_8_for_each_sum) {
  for (const bool listed : {true, false}) {
    for (const std::size_t sums : {0u, 1u, 4u}) {
      const double bytes = bytes_each(100'000, sums, listed);
      EXPECT_LT(bytes, 64 + 8 * static_cast<double>(sums)) << sums << " sums, " << (listed ? "listed" : "watched");
      EXPECT_GT(bytes, 16 + 8 * static_cast<double>(sums)) << "as much as the uid and the sums";
    }
  }
}

// The tables double when they are full.
TEST(UsageMemory, it_takes_less_than_100_right_after_the_tables_have_grown) {
  EXPECT_LT(bytes_each(114'700, 0, true), 100);
  EXPECT_LT(bytes_each(229'400, 0, false), 100);
}

}  // namespace
}  // namespace headroom::limits
