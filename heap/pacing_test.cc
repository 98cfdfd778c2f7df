#include <memory>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

struct Fixture {
  explicit Fixture(int32_t percent = 100) : fakes(ArenaLayout::Go110().start) {
    HeapOptions options;
    options.layout = SmallLayout(Bytes(256 * kMiB));
    options.gc_percent = percent;
    heap = std::make_unique<Heap>(options, fakes.seams());
  }
  void Sweep() {
    while (heap->SweepStep(SweepCause::kBackground) != -1) {
    }
  }
  uint64_t trigger() const { return heap->stats().gc_trigger; }
  uint64_t goal() const { return heap->stats().next_gc; }

  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

// Before the first cycle the runtime pretends that 2,236,962 bytes were marked, whatever GOGC is
// set to. The numbers for 20 are in the log compile_fmt_gogc20_l2 of the real runtime.
TEST(PacingTest, FirstCycle) {
  Fixture f;
  EXPECT_EQ(f.trigger(), 4 * kMiB);
  EXPECT_EQ(f.goal(), 4473924u);
  Fixture f20(20);
  EXPECT_EQ(f20.trigger(), 2661984u);
  EXPECT_EQ(f20.goal(), 2684354u);
  Fixture f50(50);
  EXPECT_EQ(f50.trigger(), 3299518u);
  EXPECT_EQ(f50.goal(), 3355443u);
  Fixture f200(200);
  EXPECT_EQ(f200.trigger(), 8 * kMiB);
  EXPECT_EQ(f200.goal(), 8 * kMiB);
  Fixture off(-1);
  EXPECT_EQ(off.trigger(), ~uint64_t{0});
  EXPECT_EQ(off.goal(), ~uint64_t{0});
}

TEST(PacingTest, TriggerAndGoalFromWhatWasMarked) {
  Fixture f;
  f.Sweep();
  f.heap->SetMarked(10 * kMiB);
  EXPECT_EQ(f.heap->stats().heap_live, 10 * kMiB);
  f.heap->SetTriggerRatio(0.5);
  EXPECT_EQ(f.trigger(), 15 * kMiB);
  EXPECT_EQ(f.goal(), 20 * kMiB);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 0);  // nothing to sweep
  f.heap->SetTriggerRatio(3);
  EXPECT_EQ(f.heap->trigger_ratio(), 0.95);
  EXPECT_EQ(f.trigger(), static_cast<uint64_t>(10.0 * kMiB * 1.95));
  f.heap->SetTriggerRatio(-1);
  EXPECT_EQ(f.heap->trigger_ratio(), 0);
  EXPECT_EQ(f.trigger(), 10 * kMiB);
  // A small heap: the least trigger, and the goal is pushed up with it.
  f.heap->SetMarked(kMiB);
  f.heap->SetTriggerRatio(0.5);
  EXPECT_EQ(f.trigger(), 4 * kMiB);
  EXPECT_EQ(f.goal(), 4 * kMiB);
}

TEST(PacingTest, ACycleIsDueAtTheTrigger) {
  Fixture f;
  f.heap->SetMarked(4 * kMiB - 1);
  EXPECT_FALSE(f.heap->ShouldStartGc());
  f.heap->SetMarked(4 * kMiB);
  EXPECT_TRUE(f.heap->ShouldStartGc());
}

// 4 large objects of 100 pages; the ratio is pages to sweep per byte until 1 MiB before the
// trigger.
TEST(PacingTest, SweepRatio) {
  Fixture f;
  for (int i = 0; i < 4; ++i) {
    f.fakes.marker.live.insert(f.heap->Malloc(0, 100 * kPageSize, true, false).bit);
  }
  f.Sweep();
  EXPECT_EQ(f.heap->pages_in_use(), 400u);
  f.heap->FlushAll();
  f.heap->SetMarked(400 * kPageSize);
  f.heap->StartSweep();
  EXPECT_EQ(f.heap->sweepgen(), 2u);
  EXPECT_EQ(f.heap->pages_swept(), 0u);
  f.heap->SetTriggerRatio(0.9);
  const uint64_t trigger = static_cast<uint64_t>(400.0 * kPageSize * 1.9);
  EXPECT_EQ(f.trigger(), trigger);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 400.0 / (trigger - 400 * kPageSize - kMiB));
  EXPECT_EQ(f.heap->sweep_heap_live_basis(), 400 * kPageSize);
  EXPECT_EQ(f.heap->pages_swept_basis(), 0u);

  // While spans are left to sweep, the trigger is at least 1 MiB above heap_live.
  f.heap->SetTriggerRatio(0.1);
  EXPECT_EQ(f.trigger(), 400 * kPageSize + kMiB);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 400.0 / kPageSize);  // the least distance is a page

  // What is swept counts from then on.
  EXPECT_EQ(f.heap->SweepStep(SweepCause::kBackground), 0);
  f.heap->SetTriggerRatio(0.9);
  EXPECT_EQ(f.heap->pages_swept_basis(), 100u);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 300.0 / (trigger - 400 * kPageSize - kMiB));
  f.Sweep();
  f.heap->SetTriggerRatio(0.9);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 0);
}

// An allocation pays before it takes its span: (ratio x bytes since the basis), less the pages it
// will take itself.
TEST(PacingTest, ProportionalSweep) {
  Fixture f;
  f.fakes.marker.live.insert(f.heap->Malloc(0, 1024, true, false).bit);
  for (int i = 0; i < 40; ++i) {
    f.fakes.marker.live.insert(f.heap->Malloc(0, 10 * kPageSize, true, false).bit);
  }
  f.Sweep();
  f.heap->FlushAll();
  f.heap->SetMarked(4 * kMiB);
  f.heap->StartSweep();
  // A page to sweep for a page allocated: there are 401, and the distance is as many and the
  // margin.
  f.heap->SetPacing(4 * kMiB + 401 * kPageSize + kMiB, 0, 4 * kMiB);
  EXPECT_EQ(f.heap->sweep_pages_per_byte(), 1.0 / kPageSize);
  // A refill owes a page: one step sweeps the span of ten that was pushed last. The span it gets
  // has to be swept too.
  f.fakes.observer.lines.clear();
  f.heap->Malloc(0, 1024, true, false);
  EXPECT_EQ(f.heap->pages_swept(), 11u);
  EXPECT_EQ(f.fakes.observer.lines[1], "D{ 8192 0 4194304 0");
  EXPECT_EQ(f.fakes.observer.lines[2], "W{ 1");
  // A large object of 20 pages: 20 for itself and what was allocated since the basis (less than a
  // page, the fraction is lost), less the 20 that it takes.
  f.fakes.observer.lines.clear();
  f.heap->Malloc(0, 20 * kPageSize, true, false);
  EXPECT_EQ(f.fakes.observer.lines[0], "D{ 163840 20 4201472 11");
  EXPECT_EQ(f.fakes.observer.lines[1], "D}");
  f.heap->SelfCheck();
}

TEST(PacingTest, SweepingIsOverWhenNothingIsLeft) {
  Fixture f;
  f.Sweep();
  EXPECT_TRUE(f.heap->sweep_done());
  EXPECT_EQ(f.heap->SweepStep(SweepCause::kBackground), -1);
  f.heap->FlushAll();
  f.heap->StartSweep();
  EXPECT_FALSE(f.heap->sweep_done());
  EXPECT_EQ(f.heap->SweepStep(SweepCause::kBackground), -1);
  EXPECT_TRUE(f.heap->sweep_done());
}

}  // namespace
}  // namespace heapsim::heap
