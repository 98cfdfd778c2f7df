#include "sim/replay/meter.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

Sample At(uint64_t event, uint64_t rss = 1) {
  Sample s;
  s.event = s.time_ns = event;
  s.rss = rss;
  return s;
}

std::vector<uint64_t> Events(const std::vector<Sample>& samples) {
  std::vector<uint64_t> events;
  for (const Sample& s : samples) events.push_back(s.event);
  return events;
}

TEST(SeriesTest, DistanceDoublesWhenFull) {
  Series series(4);
  for (uint64_t e = 1; e <= 20; ++e) {
    if (e == series.next()) series.AddRegular(At(e));
  }
  EXPECT_EQ(Events(series.Merge(At(20))), (std::vector<uint64_t>{8, 16, 20}));
}

TEST(SeriesTest, NeverMoreRegularSamplesThanAsked) {
  Series series(10);
  for (uint64_t e = 1; e <= 5000; ++e) {
    if (e == series.next()) series.AddRegular(At(e));
    ASSERT_LE(series.Merge(At(e)).size(), 11u);
  }
}

// How many samples were taken, and those that stayed.
std::pair<size_t, std::vector<uint64_t>> Taken(uint32_t limit, uint64_t events, uint64_t expected) {
  Series series(limit);
  series.Expect(expected);
  size_t taken = 0;
  for (; series.next() <= events; ++taken) series.AddRegular(At(series.next()));
  return {taken, Events(series.Merge(At(events)))};
}

TEST(SeriesTest, KnowingTheLengthLeavesTheSameSamples) {
  for (const uint32_t limit : {1u, 2u, 7u, 100u}) {
    for (uint64_t events = 1; events < 20000; events = events + 1 + events / 16) {
      const auto [taken, all] = Taken(limit, events, 0);
      for (const uint64_t expected : {events, events / 2, uint64_t{1}}) {
        const auto [fewer, same] = Taken(limit, events, expected);
        ASSERT_EQ(all, same) << limit << " of " << events << ", expected " << expected;
        ASSERT_LE(fewer, taken);
      }
    }
  }
  EXPECT_GT(Taken(100, 6000, 0).first, 4 * 93u);
  EXPECT_LT(Taken(100, 6000, 6000).first, 2 * 93u);
}

TEST(SeriesTest, ARunThatEndsEarlyHasSamples) {
  EXPECT_EQ(Taken(100, 25600, ~uint64_t{0}).first, 100u);
}

TEST(SeriesTest, KeepsPeakAndWhatStandsAroundARelease) {
  Series series(2);
  for (uint64_t e = 1; e <= 100; ++e) {
    if (e == series.next()) series.AddRegular(At(e));
    if (e == 7) {
      series.AddKept(At(7, 9));
      series.AddKept(At(7, 2));
    }
  }
  series.SetPeak(At(5, 50));
  const std::vector<Sample> all = series.Merge(At(100));
  ASSERT_EQ(Events(all), (std::vector<uint64_t>{5, 7, 7, 64, 100}));
  EXPECT_EQ(all[1].rss, 9u);
  EXPECT_EQ(all[2].rss, 2u);
}

TEST(SeriesTest, NoRegularSamplesWhereNoneAreWanted) {
  Series series(0);
  EXPECT_EQ(series.next(), ~uint64_t{0});
  EXPECT_EQ(series.Merge(At(3)).size(), 1u);
}

TEST(IntegralsTest, MeansOverTime) {
  Integrals i;
  i.AddRss(100, 10, /*idle=*/true);
  i.AddRss(200, 30, /*idle=*/false);
  i.AddLive(50, 30);
  EXPECT_DOUBLE_EQ(i.MeanRss(0), (100.0 * 10 + 200.0 * 30) / 40);
  EXPECT_DOUBLE_EQ(i.RssOverLive(), 200.0 / 50);
  EXPECT_DOUBLE_EQ(i.WasteByteSeconds(), (7000.0 - 1500.0) / 1e9);
}

TEST(IntegralsTest, LongAndLargeDoNotOverflow) {
  Integrals i;
  const uint64_t year = uint64_t{365} * 86400 * 1000000000;
  i.AddRss(uint64_t{1} << 40, year, false);
  i.AddRss(uint64_t{1} << 40, year, false);
  EXPECT_DOUBLE_EQ(i.MeanRss(0), static_cast<double>(uint64_t{1} << 40));
}

}  // namespace
}  // namespace heapsim::sim
