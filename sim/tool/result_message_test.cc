#include "sim/tool/result_message.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(ResultMessage, RatiosAreOfPeaks) {
  ReplayOutcome outcome;
  outcome.peak_rss = 600;
  outcome.peak_live = 400;
  outcome.rss_at_peak_live = 500;
  outcome.live_at_peak_rss = 300;
  outcome.mean_rss_over_live = 1.75;
  const proto::Fragmentation f = ToMessage(outcome).fragmentation();
  EXPECT_EQ(f.peak_rss_over_peak_live(), 1.5);
  EXPECT_EQ(f.rss_over_live_at_peak_live(), 1.25);
  EXPECT_EQ(f.rss_over_live_at_peak_rss(), 2.0);
  EXPECT_EQ(f.mean_rss_over_live(), 1.75);
}

TEST(ResultMessage, WhereNothingLivedRatiosAreUnknown) {
  const proto::Fragmentation f = ToMessage(ReplayOutcome()).fragmentation();
  EXPECT_FALSE(f.has_peak_rss_over_peak_live());
  EXPECT_FALSE(f.has_rss_over_live_at_peak_live());
  EXPECT_FALSE(f.has_rss_over_live_at_peak_rss());
  EXPECT_FALSE(f.has_mean_rss_over_live());
}

TEST(ResultMessage, PartsAreUnknownWhereThePolicyHasNone) {
  ReplayOutcome outcome;
  outcome.series.resize(1);
  EXPECT_FALSE(ToMessage(outcome).has_parts());
  EXPECT_FALSE(ToMessage(outcome).series(0).has_parts());
  outcome.parts.emplace();
  outcome.series[0].parts.dead = 7;
  EXPECT_TRUE(ToMessage(outcome).has_parts());
  EXPECT_EQ(ToMessage(outcome).series(0).parts().dead_bytes(), 7u);
}

TEST(ResultMessage, ARunThatEndedEarlySaysWhy) {
  ReplayOutcome outcome;
  outcome.events = 7;
  EXPECT_FALSE(ToMessage(outcome).has_stopped());
  outcome.complete = false;
  EXPECT_EQ(ToMessage(outcome).stopped(), "interrupted after event 7");
  outcome.fatal = "out of memory";
  EXPECT_EQ(ToMessage(outcome).stopped(), "out of memory after event 7");
}

TEST(ResultMessage, TheCostIsThatOfTheSystemAndOfMarking) {
  ReplayOutcome outcome;
  outcome.os.cost_ns = 500;
  outcome.mark_cost_ns = 70;
  EXPECT_EQ(ToMessage(outcome).os().cost_ns(), 500u);
  EXPECT_EQ(ToMessage(outcome).gc().mark_cost_ns(), 70u);
  EXPECT_EQ(ToMessage(outcome).cost().total_ns(), 570u);
  outcome.measured = true;
  EXPECT_FALSE(ToMessage(outcome).has_cost());
}

TEST(ResultMessage, ObjectsAreCountedFromSmallAndLarge) {
  ReplayOutcome outcome;
  outcome.heap.emplace();
  outcome.heap->nmalloc[4] = 10;
  outcome.heap->nmalloc[5] = 20;
  outcome.heap->nsmallfree[2] = 6;
  outcome.heap->nlargealloc = 3;
  outcome.heap->nlargefree = 1;
  EXPECT_EQ(ToMessage(outcome).heap().heap_objects(), 26u);
  EXPECT_EQ(ToMessage(outcome).heap().nsmallalloc(), 30u);
}

}  // namespace
}  // namespace heapsim::sim
