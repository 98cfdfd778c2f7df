#include "heap/pages/recent_extremes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

TEST(RecentExtremesTest, SameAsAllReportsLookedThrough) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    RecentExtremes<8> extremes(800);
    std::vector<std::pair<int64_t, uint64_t>> reports;  // epoch, value
    SeededRandom random(seed);
    int64_t now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += random.Next() % (random.Next() % 50 == 0 ? 2000 : 30);
      const uint64_t value = random.Next() % 1000;
      extremes.Report(now, value);
      reports.emplace_back(now / 100, value);
      const int64_t ns = 1 + random.Next() % 1000;
      const int64_t epochs = std::min<int64_t>((ns + 99) / 100, 8);
      uint64_t max = 0, min = ~uint64_t{0};
      for (const auto& [epoch, v] : reports) {
        if (epoch <= now / 100 - epochs) continue;
        max = std::max(max, v);
        min = std::min(min, v);
      }
      ASSERT_EQ(extremes.Max(ns), max);
      ASSERT_EQ(extremes.Min(ns), min);
    }
  }
}

TEST(RecentExtremesTest, AnEpochWithoutReportsSaysNothing) {
  RecentExtremes<4> extremes(400);
  EXPECT_EQ(extremes.Max(400), 0u);
  EXPECT_EQ(extremes.Min(400), RecentExtremes<4>::kNothing);
  extremes.Report(50, 9);
  extremes.Report(250, 3);
  EXPECT_EQ(extremes.Max(200), 3u) << "it was 9 until 250, but nobody said so after 100";
  EXPECT_EQ(extremes.Max(300), 9u);
  // Time goes on with a report only.
  EXPECT_EQ(extremes.Min(100), 3u);
}

}  // namespace
}  // namespace heapsim::heap
