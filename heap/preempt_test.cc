// What other threads do in between: wherever the runtime would take the heap lock, an observer may
// take and free stack spans, scavenge, or pace the sweep anew.

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Another thread, which runs at each of those places.
class OtherThread final : public Observer {
 public:
  OtherThread(ManualClock* clock, uint64_t seed) : clock_(clock), random_(seed) {}

  void set_heap(Heap* heap) { heap_ = heap; }
  uint64_t runs() const { return runs_; }

  void SpanAllocBegin(Pages, SpanKind, SpanClass, bool) override { Run(); }
  void RefillBegin(uint32_t, SpanClass, SpanId) override { Run(); }
  void DeductBegin(Bytes, Pages, uint64_t, uint64_t) override { Run(); }
  void ReclaimBegin(Pages) override { Run(); }
  void SweepStepBegin(SweepCause) override { Run(); }
  void SweepBegin(const SweepInput&) override { Run(); }
  void FlushBegin(uint32_t) override { Run(); }
  void EnsureSweptBegin(SpanId, Address) override { Run(); }

 private:
  void Run() {
    if (running_ || random_.Next() % 4 != 0) return;
    running_ = true;
    ++runs_;
    ++clock_->now;
    const uint32_t what = random_.Next() % 10;
    if (what == 0) {
      heap_->Scavenge(1, static_cast<uint64_t>(clock_->now) + 1000, random_.Next() % 2000);
    } else if (what < 6 || stacks_.empty()) {
      const SpanId id = heap_->AllocateManual(Pages(1 + random_.Next() % 8), SpanKind::kStack);
      if (id != kNoSpan) stacks_.push_back(id);
    } else {
      std::swap(stacks_[random_.Next() % stacks_.size()], stacks_.back());
      heap_->FreeManual(stacks_.back(), SpanKind::kStack);
      stacks_.pop_back();
    }
    running_ = false;
  }

  ManualClock* clock_;
  SeededRandom random_;
  Heap* heap_ = nullptr;
  std::vector<SpanId> stacks_;
  bool running_ = false;
  uint64_t runs_ = 0;
};

TEST(PreemptTest, TheHeapStaysConsistent) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const ArenaLayout layout = SmallLayout(Bytes(512 * kMiB));
    Fakes fakes(layout.start, seed);
    OtherThread other(&fakes.clock, seed + 50);
    HeapOptions options;
    options.layout = layout;
    HeapSeams seams = fakes.seams();
    seams.observer = &other;
    Heap heap(options, seams);
    other.set_heap(&heap);
    SeededRandom random(seed + 100);
    // Live objects by address: no two may overlap.
    struct Object {
      uint64_t end;
      BitIndex bit;
    };
    std::map<uint64_t, Object> live;
    for (int i = 0; i < 3000; ++i) {
      const uint32_t what = random.Next() % 100;
      if (what < 55) {
        const uint64_t size =
            random.Next() % 10 == 0 ? 1 + random.Next() % 100000 : 16 + random.Next() % 2000;
        const Placement p = heap.Malloc(0, size, random.Next() % 2 == 0, false);
        fakes.marker.live.insert(p.bit);
        const auto after = live.lower_bound(p.address);
        ASSERT_TRUE(after == live.end() || p.address + size <= after->first);
        ASSERT_TRUE(after == live.begin() || std::prev(after)->second.end <= p.address);
        live[p.address] = {p.address + size, p.bit};
        if (random.Next() % 20 == 0) heap.AddFinalizer(Address(p.address));
      } else if (what < 90) {
        if (live.empty()) continue;
        auto it = live.lower_bound(layout.start.v + random.Next() % (4 * kMiB));
        if (it == live.end()) it = live.begin();
        fakes.marker.live.erase(it->second.bit);
        live.erase(it);
      } else if (what < 99) {
        heap.SweepStep(SweepCause::kBackground);
      } else {
        while (heap.SweepStep(SweepCause::kStopTheWorld) != -1) {
        }
        heap.FlushAll();
        heap.SetMarked(heap.stats().heap_inuse / 2);
        heap.StartSweep();
        heap.SetTriggerRatio(0.5);
      }
      ASSERT_NO_THROW(heap.SelfCheck()) << "seed " << seed << ", operation " << i;
    }
    EXPECT_GT(other.runs(), 300u);
  }
}

// When the pacing changes while an allocation pays its debt, the debt is computed anew.
class Repacer final : public Observer {
 public:
  Heap* heap = nullptr;
  uint64_t steps_for_debt = 0;
  void DeductBegin(Bytes, Pages, uint64_t, uint64_t) override { paying_ = true; }
  void DeductEnd() override { paying_ = false; }
  void SweepStepEnd(int64_t) override {
    if (paying_ && ++steps_for_debt == 1) heap->SetTriggerRatio(0.95);
  }

 private:
  bool paying_ = false;
};

TEST(PreemptTest, DebtIsComputedAnew) {
  const ArenaLayout layout = SmallLayout(Bytes(64 * kMiB));
  Fakes fakes(layout.start);
  Repacer observer;
  HeapOptions options;
  options.layout = layout;
  HeapSeams seams = fakes.seams();
  seams.observer = &observer;
  Heap heap(options, seams);
  for (int i = 0; i < 40; ++i) {
    fakes.marker.live.insert(heap.Malloc(0, 10 * kPageSize, true, false).bit);
  }
  while (heap.SweepStep(SweepCause::kBackground) != -1) {
  }
  heap.FlushAll();
  heap.SetMarked(4 * kMiB);
  heap.StartSweep();
  heap.SetTriggerRatio(0);  // the steepest there is: all 400 pages within one page of allocation
  EXPECT_EQ(heap.sweep_pages_per_byte(), 400.0 / kPageSize);
  observer.heap = &heap;
  // A large object owes (400 x 5) - 5 pages, which would be all; after the first step of ten pages
  // the line is flat, and the debt is paid.
  const uint64_t live = heap.stats().heap_live;
  heap.MallocLarge(0, 5 * kPageSize, 5 * kPageSize, true, false);
  EXPECT_EQ(observer.steps_for_debt, 1u);
  EXPECT_EQ(heap.pages_swept_basis(), 10u);
  EXPECT_EQ(heap.sweep_heap_live_basis(), live);
  const uint64_t trigger = static_cast<uint64_t>(4.0 * kMiB * 1.95);
  EXPECT_EQ(heap.sweep_pages_per_byte(), 390.0 / static_cast<double>(trigger - live - kMiB));
  heap.SelfCheck();
}

}  // namespace
}  // namespace heapsim::heap
