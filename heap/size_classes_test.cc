#include "heap/size_classes.h"

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

TEST(SizeClassesTest, Go110) {
  const SizeClasses& c = SizeClasses::Go110();
  EXPECT_EQ(c.count(), 67u);  // class 0 included
  EXPECT_EQ(c.max_small_size(), kGoMaxSmallSize);
  EXPECT_EQ(c[0].size, 0u);
  EXPECT_EQ(c[1].slots, 1024u);
  EXPECT_EQ(c[2].size, 16u);
  EXPECT_EQ(c[66].size, 32768u);
  EXPECT_EQ(c[66].pages, 4u);
  EXPECT_EQ(c[66].slots, 1u);
}

// What the generator of the runtime's table promises: at most an eighth of a span is left over, and
// no two classes share both slots and pages, since the smaller one would be of no use.
TEST(SizeClassesTest, Go110FollowsItsRules) {
  const SizeClasses& c = SizeClasses::Go110();
  for (uint32_t i = 1; i < c.count(); ++i) {
    const uint64_t bytes = c[i].pages * kPageSize;
    EXPECT_EQ(c[i].slots, bytes / c[i].size) << i;
    EXPECT_LE(bytes % c[i].size, bytes / 8) << i;
    EXPECT_FALSE(c[i].slots == c[i - 1].slots && c[i].pages == c[i - 1].pages) << i;
  }
}

TEST(SizeClassesTest, EachSizeHasTheSmallestClassThatHoldsIt) {
  const SizeClasses& c = SizeClasses::Go110();
  for (uint32_t size = 1; size <= c.max_small_size(); ++size) {
    const uint32_t k = c.ClassOf(size);
    ASSERT_GE(c[k].size, size);
    ASSERT_LT(c[k - 1].size, size);
  }
}

TEST(SizeClassesTest, OwnTable) {
  const SizeClass rows[] = {{8, 1, 0}, {64, 1, 0}, {8192, 2, 0}};
  const auto c = SizeClasses::Make(rows);
  ASSERT_TRUE(c.ok()) << c.status();
  EXPECT_EQ(c->count(), 4u);
  EXPECT_EQ(c->ClassOf(9), 2u);
  EXPECT_EQ(c->ClassOf(8192), 3u);
  EXPECT_EQ((*c)[3].slots, 2u);
}

TEST(SizeClassesTest, RefusesTablesThatCannotBe) {
  const SizeClass odd[] = {{12, 1, 0}};
  const SizeClass falling[] = {{16, 1, 0}, {16, 1, 0}};
  const SizeClass no_slot[] = {{16384, 1, 0}};
  const SizeClass too_many_slots[] = {{8, 2, 0}};
  const SizeClass too_large[] = {{kMaxSlotBytes + 8, 33, 0}};
  EXPECT_FALSE(SizeClasses::Make({}).ok());
  EXPECT_FALSE(SizeClasses::Make(odd).ok());
  EXPECT_FALSE(SizeClasses::Make(falling).ok());
  EXPECT_FALSE(SizeClasses::Make(no_slot).ok());
  EXPECT_FALSE(SizeClasses::Make(too_many_slots).ok());
  EXPECT_FALSE(SizeClasses::Make(too_large).ok());
  std::vector<SizeClass> many;
  for (uint32_t i = 1; i <= kMaxSizeClasses; ++i) many.push_back({i * 8, 1, 0});
  EXPECT_FALSE(SizeClasses::Make(many).ok());
}

}  // namespace
}  // namespace heapsim::heap
