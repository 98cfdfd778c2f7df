#include "sim/tool/search_run.h"

#include <algorithm>
#include <map>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(HeldBack, AShareButNeverNoneOrAll) {
  const auto count = [](size_t traces, double share) {
    const std::vector<bool> held = DrawHeldBack(traces, share, 7);
    return std::count(held.begin(), held.end(), true);
  };
  EXPECT_EQ(count(9, 1.0 / 3), 3);
  EXPECT_EQ(count(2, 0.01), 1);
  EXPECT_EQ(count(2, 0.99), 1);
  EXPECT_EQ(count(40, 0.25), 10);
}

TEST(HeldBack, BySeedAndFair) {
  EXPECT_EQ(DrawHeldBack(20, 0.5, 3), DrawHeldBack(20, 0.5, 3));
  EXPECT_NE(DrawHeldBack(20, 0.5, 3), DrawHeldBack(20, 0.5, 4));
  // Each of six subsets of two out of four.
  std::map<std::vector<bool>, int> seen;
  for (uint64_t seed = 0; seed < 6000; ++seed) ++seen[DrawHeldBack(4, 0.5, seed)];
  EXPECT_EQ(seen.size(), 6u);
  for (const auto& [held, times] : seen) EXPECT_NEAR(times, 1000, 150);
}

}  // namespace
}  // namespace heapsim::sim
