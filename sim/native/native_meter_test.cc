#include "sim/native/native_meter.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(NativeMeter, AddsUpWhatHeldFromStepToStep) {
  NativeMeter meter(10);
  meter.Step(1, 0, 100, 4096);
  meter.SampleRegular();
  meter.Step(2, 10, 300, 4096);   // 100 live for 10 ns
  meter.Step(3, 30, 300, 12288);  // 300 live for 20 ns
  meter.Step(4, 40, 50, 8192);
  meter.Step(5, 50, 50, 8192);
  meter.Settle(50);
  ReplayOutcome o;
  meter.Fill(&o);
  EXPECT_EQ(o.events, 5u);
  EXPECT_EQ(o.peak_rss, 12288u);
  EXPECT_EQ(o.peak_rss_at_event, 3u);
  EXPECT_EQ(o.live_at_peak_rss, 300u);
  EXPECT_EQ(o.end_rss, 8192u);
  EXPECT_EQ(o.peak_live, 300u);
  EXPECT_EQ(o.rss_at_peak_live, 4096u);
  const double rss = 4096 * 30.0 + 12288 * 10.0 + 8192 * 60.0;
  const double live = 100 * 10.0 + 300 * 30.0 + 50 * 60.0;
  EXPECT_DOUBLE_EQ(o.mean_rss, rss / 100);
  EXPECT_DOUBLE_EQ(o.mean_rss_over_live, rss / live);
  EXPECT_DOUBLE_EQ(o.waste_byte_seconds, (rss - live) / 1e9);
  // The regular sample, the peak, the end.
  ASSERT_EQ(o.series.size(), 3u);
  EXPECT_EQ(o.series[0].event, 1u);
  EXPECT_EQ(o.series[1].event, 3u);
  EXPECT_EQ(o.series[2].event, 5u);
  EXPECT_EQ(o.series[2].time_ns, 100u);
}

// Where nothing lives there is nothing to compare RSS with.
TEST(NativeMeter, IdleTimeIsNoPartOfTheRatio) {
  NativeMeter meter(10);
  meter.Step(1, 0, 100, 1000);
  meter.Step(2, 10, 0, 1000);
  meter.Settle(90);
  ReplayOutcome o;
  meter.Fill(&o);
  EXPECT_DOUBLE_EQ(o.mean_rss_over_live, 10);
  EXPECT_DOUBLE_EQ(o.mean_rss, 1000);
}

TEST(NativeMeter, NothingHappened) {
  NativeMeter meter(10);
  ReplayOutcome o;
  meter.Fill(&o);
  EXPECT_EQ(o.events, 0u);
  EXPECT_EQ(o.peak_rss, 0u);
}

}  // namespace
}  // namespace heapsim::sim
