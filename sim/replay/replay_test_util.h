// What tests of replays share: blocks from memory, runs that must succeed, comparison of outcomes.
#ifndef HEAPSIM_SIM_REPLAY_REPLAY_TEST_UTIL_H_
#define HEAPSIM_SIM_REPLAY_REPLAY_TEST_UTIL_H_

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/replay.h"
#include "traces/block_builder.h"
#include "traces/random_events.h"

namespace heapsim::sim {

using traces::EventBlock;

// Builds blocks with the calls that `feed` makes.
template <typename Feed>
std::vector<EventBlock> Build(Feed feed) {
  std::vector<EventBlock> blocks;
  traces::BlockBuilder builder([&](const EventBlock& b) {
    blocks.push_back(b);
    return absl::OkStatus();
  });
  feed(&builder);
  builder.Flush();
  return blocks;
}

// Random events have sizes that no arena holds; these fit.
inline std::vector<EventBlock> ModestRandomBlocks(const traces::RandomEventsOptions& options) {
  std::vector<EventBlock> blocks = traces::RandomBlocks(options);
  for (EventBlock& b : blocks) {
    for (traces::Exception& x : b.exceptions) x.size %= 3000000;
  }
  return blocks;
}

inline ReplayOutcome MustRun(const std::vector<EventBlock>& blocks, const proto::Policy& policy,
                             const ReplayOptions& options) {
  KeptBlocks source(&blocks);
  absl::StatusOr<ReplayOutcome> outcome = RunReplay(source, policy, options);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : ReplayOutcome{};
}

inline proto::Policy Policy(proto::Reclaim reclaim, int procs = 1) {
  proto::Policy p;
  p.set_reclaim(reclaim);
  p.set_procs(procs);
  return p;
}

inline void ExpectSame(const ReplayOutcome& a, const ReplayOutcome& b) {
  EXPECT_EQ(a.state_hash, b.state_hash);
  EXPECT_EQ(a.assumptions, b.assumptions);
  EXPECT_EQ(a.complete, b.complete);
  EXPECT_EQ(a.fatal, b.fatal);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.peak_rss, b.peak_rss);
  EXPECT_EQ(a.peak_rss_at_event, b.peak_rss_at_event);
  EXPECT_EQ(a.mean_rss, b.mean_rss);
  EXPECT_EQ(a.mean_rss_over_live, b.mean_rss_over_live);
  EXPECT_EQ(a.waste_byte_seconds, b.waste_byte_seconds);
  EXPECT_EQ(a.parts, b.parts);
  EXPECT_EQ(a.live_at_peak_rss, b.live_at_peak_rss);
  EXPECT_EQ(a.peak_live, b.peak_live);
  EXPECT_EQ(a.rss_at_peak_live, b.rss_at_peak_live);
  EXPECT_EQ(a.largest_free_run, b.largest_free_run);
  EXPECT_EQ(a.os.page_faults, b.os.page_faults);
  EXPECT_EQ(a.mark.cycles, b.mark.cycles);
  EXPECT_EQ(a.mark.objects, b.mark.objects);
  EXPECT_EQ(a.mark.scanned_bytes, b.mark.scanned_bytes);
  ASSERT_EQ(a.series.size(), b.series.size());
  for (size_t i = 0; i < a.series.size(); ++i) {
    EXPECT_EQ(a.series[i].event, b.series[i].event);
    EXPECT_EQ(a.series[i].time_ns, b.series[i].time_ns);
    EXPECT_EQ(a.series[i].rss, b.series[i].rss);
    EXPECT_EQ(a.series[i].live, b.series[i].live);
    EXPECT_EQ(a.series[i].parts, b.series[i].parts) << "sample " << i;
  }
}

inline void ExpectPartsSum(const ReplayOutcome& o) {
  ASSERT_TRUE(o.parts.has_value());
  EXPECT_EQ(o.parts->sum(), o.peak_rss);
  for (const Sample& s : o.series) {
    EXPECT_EQ(s.parts.sum(), s.rss) << "event " << s.event;
    EXPECT_LE(s.rss, o.peak_rss);
  }
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_REPLAY_TEST_UTIL_H_
