#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/release/at_once.h"
#include "heap/release/decay.h"
#include "heap/release/idle_limit.h"
#include "heap/release/memory_limit.h"
#include "heap/release/paced.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// A heap with explicit frees of large objects, so that each allocation is pages and nothing else.
struct Fixture {
  explicit Fixture(ReleaseRule* release)
      : layout(SmallLayout(Bytes(256 * kMiB))), fakes(layout.start) {
    HeapOptions options;
    options.layout = layout;
    options.reclaim = Reclaim::kExplicit;
    options.release = release;
    heap = std::make_unique<Heap>(options, fakes.seams());
  }
  BitIndex Take(uint64_t pages) {
    return heap->MallocLarge(0, pages * kPageSize, pages * kPageSize, true, false).bit;
  }
  void RunUntil(ReleaseRule* rule, int64_t until) {
    while (rule->deadline() <= until) {
      fakes.clock.now = rule->deadline();
      rule->OnDeadline();
    }
    fakes.clock.now = until;
  }
  uint64_t unreleased() const { return heap->pages().FreeUnreleased().v; }
  uint64_t retained() const { return heap->stats().heap_sys - heap->stats().heap_released; }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

TEST(IdleLimitTest, LooksEveryHalfLimitAndReleasesWhatIsOlder) {
  IdleLimit rule(1000);
  Fixture f(&rule);
  EXPECT_EQ(rule.deadline(), 1 + 501);
  const BitIndex bit = f.Take(200);
  f.heap->FreeSlot(bit);  // at time 1
  f.RunUntil(&rule, 1002);
  EXPECT_EQ(f.heap->stats().heap_released, 0u) << "at 502 it was not old enough";
  EXPECT_EQ(rule.deadline(), 1003);
  f.RunUntil(&rule, 1003);
  EXPECT_EQ(f.unreleased(), 0u);
  EXPECT_EQ(rule.deadline(), 1504);
}

TEST(AtOnceTest, NothingFreeStays) {
  AtOnce rule;
  Fixture f(&rule);
  std::vector<BitIndex> bits;
  for (int i = 0; i < 20; ++i) bits.push_back(f.Take(10 + i));
  EXPECT_EQ(f.heap->stats().heap_released, 0u);
  for (const BitIndex bit : bits) {
    f.heap->FreeSlot(bit);
    EXPECT_EQ(f.unreleased(), 0u);
  }
  EXPECT_EQ(rule.deadline(), ReleaseRule::kNever);
  f.heap->SelfCheck();
}

TEST(DecayTest, TheCurve) {
  EXPECT_EQ(Decay::Share(0), 0u);
  EXPECT_EQ(Decay::Share(Decay::kEpochs / 2), 1u << 23);
  EXPECT_EQ(Decay::Share(Decay::kEpochs), 1u << 24);
  for (uint64_t i = 1; i <= Decay::kEpochs; ++i) {
    const double x = static_cast<double>(i) / Decay::kEpochs;
    const double y = x * x * x * (x * (6 * x - 15) + 10);
    EXPECT_NEAR(static_cast<double>(Decay::Share(i)), y * (1 << 24), 1.0) << i;
    EXPECT_GE(Decay::Share(i), Decay::Share(i - 1));
    // What is gone and what stays mirror each other.
    EXPECT_NEAR(static_cast<double>(Decay::Share(i) + Decay::Share(Decay::kEpochs - i)), 1 << 24,
                2.0);
  }
}

TEST(DecayTest, AllIsBackAfterTheDecayTimeAndHalfAfterHalf) {
  Decay rule(200000);
  Fixture f(&rule);
  const BitIndex bit = f.Take(1280);  // 10 MiB
  f.RunUntil(&rule, 1001);            // what growth left over is of an earlier epoch
  const uint64_t before = f.unreleased();
  f.heap->FreeSlot(bit);
  f.RunUntil(&rule, 2001);
  EXPECT_EQ(f.unreleased(), before + 1280 * kPageSize) << "none need to be back in the first epoch";
  f.RunUntil(&rule, 1001 + 100000);
  EXPECT_NEAR(static_cast<double>(f.unreleased()), 5.0 * kMiB, 0.1 * kMiB);
  f.RunUntil(&rule, 1001 + 201000);
  EXPECT_EQ(f.unreleased(), 0u);
}

// Against the rule said once more, with what came in each epoch since the beginning.
TEST(DecayTest, RandomUseIsLimitedByTheCurve) {
  Decay rule(200000);
  Fixture f(&rule);
  std::mt19937_64 random(5);
  std::vector<BitIndex> live;
  std::vector<uint64_t> added;  // pages, by epoch
  uint64_t left = 0;            // unused pages after the last epoch
  uint64_t releases = 0;
  for (int epoch = 0; epoch < 2000; ++epoch) {
    // Bursts, and rests in which the curve comes down.
    for (uint64_t i = 0; i < random() % 8 && epoch % 300 < 150; ++i) {
      if (live.size() < 40 && random() % 2 == 0) {
        live.push_back(f.Take(1 + random() % 200));
      } else if (!live.empty()) {
        std::swap(live[random() % live.size()], live.back());
        f.heap->FreeSlot(live.back());
        live.pop_back();
      }
    }
    const uint64_t unused = f.unreleased() / kPageSize;
    added.push_back(unused > left ? unused - left : 0);
    unsigned __int128 may_stay = 0;
    for (size_t age = 0; age < std::min<size_t>(added.size(), Decay::kEpochs); ++age) {
      may_stay += static_cast<unsigned __int128>(added[added.size() - 1 - age]) *
                  Decay::Share(Decay::kEpochs - age);
    }
    const uint64_t limit = static_cast<uint64_t>(may_stay >> 24);
    f.RunUntil(&rule, rule.deadline());
    left = f.unreleased() / kPageSize;
    ASSERT_EQ(left, std::min(unused, limit)) << "epoch " << epoch;
    releases += left < unused;
  }
  EXPECT_GT(releases, 100u);
  f.heap->SelfCheck();
}

TEST(PacedTest, ReleasesToTheGoalFromTheTopAtItsShareOfTime) {
  Paced::Options options;
  options.call_ns = 600;
  options.page_ns = 200;
  Paced rule(options);
  Fixture f(&rule);
  std::vector<BitIndex> bits;
  for (int i = 0; i < 64; ++i) bits.push_back(f.Take(128));  // 1 MiB each
  for (int i = 0; i < 64; i += 2) f.heap->FreeSlot(bits[i]);
  EXPECT_EQ(rule.deadline(), ReleaseRule::kNever) << "without a collection there is no goal";
  rule.OnSwept();
  EXPECT_EQ(rule.deadline(), ReleaseRule::kNever);
  // 32 MiB in use; the next heap is expected to be as large, and a tenth more is kept.
  rule.OnCycle(32 * kMiB, 4 * kMiB, 4 * kMiB);
  rule.OnSwept();
  EXPECT_EQ(rule.deadline(), f.fakes.clock.now + 1);
  f.fakes.observer.lines.clear();
  const int64_t start = rule.deadline();
  f.RunUntil(&rule, start);
  // A heap page is two of the system's: 600 + 2 * 200 ns of work, 1 % of the time.
  EXPECT_EQ(rule.deadline(), start + 100000);
  EXPECT_EQ(f.heap->stats().heap_released, kPageSize);
  ASSERT_FALSE(f.fakes.observer.lines.empty());
  // The last free MiB is number 62.
  EXPECT_EQ(f.fakes.observer.lines[0],
            absl::StrCat("U ", absl::Hex(63 * kMiB - kPageSize), " ", kPageSize));
  f.RunUntil(&rule, start + 1000000000);
  const uint64_t goal = RoundUp(32 * kMiB + 32 * kMiB / 10, 4096);
  EXPECT_LE(f.retained(), goal);
  EXPECT_GT(f.retained() + kPageSize, goal);
  EXPECT_EQ(rule.deadline(), ReleaseRule::kNever);
  // Half as large a next heap: half of it.
  rule.OnCycle(32 * kMiB, 4 * kMiB, 2 * kMiB);
  rule.OnSwept();
  f.RunUntil(&rule, start + 9000000000);
  EXPECT_EQ(f.unreleased(), 0u) << "spans in use are more than the goal";
}

TEST(PacedTest, GrowthAboveTheGoalReleasesAsMuchAtOnce) {
  Paced rule(Paced::Options{});
  Fixture f(&rule);
  std::vector<BitIndex> bits;
  for (int i = 0; i < 16; ++i) bits.push_back(f.Take(128));
  for (int i = 0; i < 16; i += 2) f.heap->FreeSlot(bits[i]);
  rule.OnCycle(8 * kMiB, 4 * kMiB, 4 * kMiB);
  const uint64_t before = f.retained();
  f.Take(256);  // fits into no hole
  EXPECT_EQ(f.retained(), before);
  EXPECT_EQ(f.heap->stats().heap_released, 2 * kMiB);
}

TEST(MemoryLimitTest, FreePagesGoWhenTheHeapIsOverTheLimit) {
  MemoryLimit rule(Bytes{20 * kMiB});
  Fixture f(&rule);
  std::vector<BitIndex> bits;
  for (int i = 0; i < 16; ++i) bits.push_back(f.Take(128));
  for (int i = 0; i < 16; i += 2) f.heap->FreeSlot(bits[i]);
  EXPECT_EQ(f.heap->stats().heap_released, 0u);
  for (int i = 0; i < 4; ++i) {
    bits.push_back(f.Take(256));
    const MemStats& m = f.heap->stats();
    EXPECT_LE(f.retained() + m.mspan_sys + m.mcache_sys + m.gc_sys + m.other_sys, 20 * kMiB);
  }
  EXPECT_GT(f.heap->stats().heap_released, 0u);
  // Nothing is left to give: the limit is exceeded, and the heap goes on.
  bits.push_back(f.Take(1280));
  EXPECT_EQ(f.unreleased(), 0u);
  f.heap->SelfCheck();
}

TEST(MemoryLimitTest, TheGoalLeavesRoomForTheRest) {
  MemoryLimit rule(Bytes{64 * kMiB});
  Fixture f(&rule);
  f.Take(1280);
  const MemStats& m = f.heap->stats();
  const uint64_t tables = m.mspan_sys + m.mcache_sys + m.gc_sys + m.other_sys + m.buckhash_sys;
  const uint64_t live = m.heap_live;
  EXPECT_EQ(live, 10 * kMiB);
  EXPECT_EQ(rule.GoalLimit(live),
            64 * kMiB - 64 * kMiB / 100 * 3 - tables - (m.heap_sys - f.unreleased() - live));
  // A limit below what lives: a little growth is granted all the same.
  MemoryLimit small(Bytes{kMiB});
  Fixture g(&small);
  g.Take(1280);
  EXPECT_EQ(small.GoalLimit(10 * kMiB), 11 * kMiB);
}

}  // namespace
}  // namespace heapsim::heap
