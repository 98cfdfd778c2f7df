#include "sim/replay/mark_cost.h"

#include <vector>

#include "gtest/gtest.h"
#include "sim/replay/replay_test_util.h"
#include "traces/block_builder.h"

namespace heapsim::sim {
namespace {

using traces::BlockBuilder;
using traces::EventKind;

TEST(MarkCost, IsTheSumOfItsParts) {
  proto::Cost cost;
  cost.set_mark_cycle_ns(1000);
  cost.set_mark_object_ns(7);
  cost.set_mark_scan_kib_ns(100);
  EXPECT_EQ(MarkCostNs(cost, {}), 0u);
  EXPECT_EQ(MarkCostNs(cost, {.cycles = 2, .objects = 3, .scanned_bytes = 1536}), 2171u);
  // A KiB is not rounded a cycle at a time.
  EXPECT_EQ(MarkCostNs(cost, {.scanned_bytes = 11}), 1u);
}

TEST(MarkCost, StaysAtTheLargestNumber) {
  proto::Cost cost;
  cost.set_mark_object_ns(1000000000);
  EXPECT_EQ(MarkCostNs(cost, {.objects = uint64_t{1} << 60}), ~uint64_t{0});
}

ReplayOutcome Replay(const proto::Policy& policy, const ReplayOptions& options) {
  const std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    // 300 with pointers in slots of 112 bytes, 500 without, five tiny ones that share a block; of
    // those with pointers some are gone before the collection. One has no bytes.
    b->SetScan(true);
    for (int i = 0; i < 400; ++i) {
      const uint32_t id = b->Alloc(EventKind::kMalloc, 100);
      if (i >= 300) b->Free(id);
    }
    b->Free(b->Alloc(EventKind::kMalloc, 100000));
    b->SetScan(false);
    for (int i = 0; i < 500; ++i) b->Alloc(EventKind::kMalloc, 1000);
    for (int i = 0; i < 5; ++i) b->Alloc(EventKind::kMalloc, 2);
    b->Alloc(EventKind::kMalloc, 0);
  });
  KeptBlocks source(&blocks);
  return *RunReplay(source, policy, options);
}

TEST(MarkCost, CountsWhatACollectionFinds) {
  proto::Policy policy = Policy(proto::RECLAIM_GC);
  ReplayOptions options;
  EXPECT_EQ(Replay(policy, options).mark.cycles, 0u);
  EXPECT_EQ(Replay(policy, options).mark_cost_ns, 0u);
  options.release_at = {1008};
  const ReplayOutcome once = Replay(policy, options);
  EXPECT_EQ(once.mark.cycles, 1u);
  EXPECT_EQ(once.mark.objects, 805u);
  EXPECT_EQ(once.mark.scanned_bytes, 300u * 112);
  EXPECT_EQ(once.mark_cost_ns, 100000u + 805 * 30 + 300 * 112 * 700 / 1024);
  options.release_at = {1008, 1008};
  EXPECT_EQ(Replay(policy, options).mark.objects, 2 * 805u);
  policy.mutable_cost()->set_mark_object_ns(0);
  EXPECT_LT(Replay(policy, options).mark_cost_ns, 2 * once.mark_cost_ns);

  policy.set_reclaim(proto::RECLAIM_EXPLICIT);
  EXPECT_EQ(Replay(policy, options).mark_cost_ns, 0u);
}

}  // namespace
}  // namespace heapsim::sim
