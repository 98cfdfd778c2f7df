#include "analysis/html/thinning.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

proto::Result RandomSeries(int count, uint32_t seed) {
  std::mt19937 random(seed);
  proto::Result result;
  for (int i = 0; i < count; ++i) {
    proto::Sample* sample = result.add_series();
    sample->set_event(i);
    sample->set_rss_bytes(random() % 1'000'000);
    sample->set_live_bytes(random() % 1'000'000);
  }
  return result;
}

TEST(ThinnedSamples, AllWhereTheyFit) {
  EXPECT_TRUE(ThinnedSamples(proto::Result(), 12).empty());
  EXPECT_EQ(ThinnedSamples(RandomSeries(12, 1), 12).size(), 12u);
}

TEST(ThinnedSamples, KeepsEndsAndExtremes) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    const int count = 13 + static_cast<int>(seed * 37 % 500);
    const size_t limit = 12 + seed % 30;
    const proto::Result whole = RandomSeries(count, seed);
    const std::vector<int> kept = ThinnedSamples(whole, limit);
    ASSERT_LE(kept.size(), limit);
    EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
    EXPECT_EQ(kept.front(), 0);
    EXPECT_EQ(kept.back(), count - 1);
    const auto most = [&](const auto& of) {
      uint64_t all = 0, left = 0;
      for (const proto::Sample& sample : whole.series()) all = std::max(all, of(sample));
      for (const int at : kept) left = std::max(left, of(whole.series(at)));
      EXPECT_EQ(all, left) << "seed " << seed;
    };
    most([](const proto::Sample& s) { return s.rss_bytes(); });
    most([](const proto::Sample& s) { return s.live_bytes(); });
    most([](const proto::Sample& s) { return 1'000'000 - s.rss_bytes(); });
  }
}

}  // namespace
}  // namespace heapsim::analysis
