#include "heap/pages/huge_cache.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Fixture {
  // Uses `n` huge pages, as if there were none in the cache.
  void Use(uint64_t n) { cache.Missed(n); }
  void Release(uint64_t first, uint64_t n) {
    cache.Release(first, n, [&](uint64_t f, uint64_t count) { gone.emplace_back(f, count); });
  }
  uint64_t ReleaseCached(uint64_t n) {
    return cache.ReleaseCached(n, [&](uint64_t f, uint64_t count) { gone.emplace_back(f, count); });
  }
  uint64_t total() const { return cache.free().total(); }

  ManualClock clock;
  HugeCache cache{&clock};
  std::vector<std::pair<uint64_t, uint64_t>> gone;
};

TEST(HugeCacheTest, KeepsTenAndBreaksTheShortestFirst) {
  Fixture f;
  f.Use(40);
  f.Release(0, 4);
  f.Release(10, 6);
  EXPECT_EQ(f.total(), 10u);
  EXPECT_TRUE(f.gone.empty());
  f.Release(20, 3);
  // Those that came last are the shortest.
  ASSERT_EQ(f.gone.size(), 1u);
  EXPECT_EQ(f.gone[0], std::make_pair(uint64_t{20}, uint64_t{3}));
  f.Release(30, 6);
  // 4 of the shortest, then 2 of the next, from its start.
  ASSERT_EQ(f.gone.size(), 3u);
  EXPECT_EQ(f.gone[1], std::make_pair(uint64_t{0}, uint64_t{4}));
  EXPECT_EQ(f.gone[2], std::make_pair(uint64_t{10}, uint64_t{2}));
  EXPECT_EQ(f.total(), 10u);
}

TEST(HugeCacheTest, ADipWithinASecondRaisesTheLimitByATenthMore) {
  Fixture f;
  f.Use(100);
  f.Release(0, 60);  // 50 of them are gone
  EXPECT_EQ(f.cache.limit(), 10u);
  f.cache.Take(f.cache.Find(10), 10);
  EXPECT_EQ(f.cache.limit(), 10u) << "what the cache has shows nothing";
  f.clock.now += kSecond / 2;
  f.Use(40);
  // Down by 60, up by 50 from there.
  EXPECT_EQ(f.cache.limit(), 55u);
  // A smaller one changes nothing.
  f.Release(0, 5);
  f.Use(5);
  EXPECT_EQ(f.cache.limit(), 55u);
}

TEST(HugeCacheTest, ADipOfMoreThanASecondDoesNot) {
  Fixture f;
  f.Use(100);
  f.Release(0, 60);
  f.clock.now += 3 * kSecond / 2;
  f.Use(50);
  EXPECT_EQ(f.cache.limit(), 10u);
}

TEST(HugeCacheTest, WhatIsNotUsedForTwoSecondsIsHalvedAway) {
  Fixture f;
  f.Use(200);
  f.Release(0, 100);
  f.Use(100);
  ASSERT_EQ(f.cache.limit(), 110u);
  f.Release(0, 100);
  EXPECT_EQ(f.total(), 110u);
  f.clock.now += 2 * kSecond;
  f.Release(300, 1);
  EXPECT_EQ(f.cache.limit(), 110u) << "not longer than 2 s";
  f.clock.now += 2 * kSecond + kSecond / 8;
  f.Release(301, 1);
  // At least 110 were there all the time: 55 less.
  EXPECT_EQ(f.cache.limit(), 55u);
  EXPECT_EQ(f.total(), 55u);
}

TEST(HugeCacheTest, WhatIsUsedNowAndThenStays) {
  Fixture f;
  f.Use(200);
  f.Release(0, 100);
  f.Use(100);
  f.Release(0, 100);
  ASSERT_EQ(f.total(), 110u);
  f.clock.now += 3 * kSecond;
  f.cache.Take(0, 95);  // 15 are left, less than a fifth of 110
  f.Release(0, 95);
  EXPECT_EQ(f.cache.limit(), 110u);
  EXPECT_EQ(f.total(), 110u);
}

TEST(HugeCacheTest, NeverBelowTen) {
  Fixture f;
  f.Use(30);
  f.Release(0, 10);
  for (int i = 0; i < 5; ++i) {
    f.clock.now += 3 * kSecond;
    f.Release(20 + 2 * static_cast<uint64_t>(i), 1);
    EXPECT_EQ(f.cache.limit(), 10u);
  }
}

TEST(HugeCacheTest, AReleaseLowersTheLimitToo) {
  Fixture f;
  f.Use(200);
  f.Release(0, 100);
  f.Use(100);
  f.Release(0, 100);
  ASSERT_EQ(f.total(), 110u);
  f.clock.now += 3 * kSecond;
  f.cache.Drop(100, 10);
  ASSERT_EQ(f.cache.limit(), 110u);
  // At least 100 were there: the limit falls to 60, so 40 go, though only 7 were asked for.
  EXPECT_EQ(f.ReleaseCached(7), 40u);
  EXPECT_EQ(f.cache.limit(), 60u);
  EXPECT_EQ(f.ReleaseCached(1000), 60u);
  EXPECT_EQ(f.total(), 0u);
}

TEST(HugeCacheTest, WhatWasGivenBackInPartDoesNotComeIn) {
  Fixture f;
  f.Use(5);
  f.cache.ReleaseUnbacked(2);
  EXPECT_EQ(f.cache.usage(), 3u);
  EXPECT_EQ(f.total(), 0u);
}

}  // namespace
}  // namespace heapsim::heap
