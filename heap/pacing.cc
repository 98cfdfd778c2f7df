// The collector's arithmetic: when the next cycle is due and how fast spans are swept until then
// (the runtime's mgc.go: gcSetTriggerRatio, gcSweep).

#include <algorithm>

#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

// While the last cycle is still being swept, the next one is at least this far away (times GOGC /
// 100).
constexpr uint64_t kSweepMinHeapDistance = 1 << 20;
constexpr uint64_t kHeapMinimum = 4 << 20;  // times GOGC / 100
constexpr uint64_t kNever = ~uint64_t{0};

}  // namespace

void Heap::SetMarked(uint64_t bytes, uint64_t scan_work) {
  stats_.heap_marked = bytes;
  stats_.heap_live = bytes;
  stats_.heap_scan = scan_work;
}

void Heap::StartSweep() {
  pages_->sweepgen += 2;
  sweep_done_ = false;
  if (!SweptStack().empty()) Throw(FatalCode::kNonEmptySweptList, "non-empty swept list");
  pages_swept_ = 0;
  seams_.observer->SweepStart(sweepgen(), pages_->pages_in_use);
}

void Heap::SetTriggerRatio(double ratio) {
  const int32_t percent = options_.gc_percent;
  if (percent >= 0) ratio = std::min(ratio, 0.95 * percent / 100);
  ratio = std::max(ratio, 0.0);
  trigger_ratio_ = ratio;

  uint64_t trigger = kNever, goal = kNever;
  if (percent >= 0) {
    trigger = static_cast<uint64_t>(static_cast<double>(stats_.heap_marked) * (1 + ratio));
    uint64_t least = kHeapMinimum * static_cast<uint64_t>(percent) / 100;
    if (!sweep_done_ && sweepgen() != 0) {
      least = std::max(
          least, stats_.heap_live + kSweepMinHeapDistance * static_cast<uint64_t>(percent) / 100);
    }
    trigger = std::max(trigger, least);
    if (static_cast<int64_t>(trigger) < 0) {
      Throw(FatalCode::kGcTriggerUnderflow, "gc_trigger underflow");
    }
    goal = std::max(stats_.heap_marked + stats_.heap_marked * static_cast<uint64_t>(percent) / 100,
                    trigger);
  }
  SetPacing(trigger, goal, stats_.heap_marked);
}

void Heap::SetPacing(uint64_t trigger, uint64_t goal, uint64_t marked) {
  stats_.gc_trigger = trigger;
  stats_.next_gc = goal;
  stats_.heap_marked = marked;
  if (sweep_done_) {
    sweep_pages_per_byte_ = 0;
  } else {
    const uint64_t basis = stats_.heap_live;
    // A margin of 1 MiB makes it unlikely that spans are left when the next cycle begins.
    const int64_t distance =
        std::max<int64_t>(static_cast<int64_t>(trigger) - static_cast<int64_t>(basis) - (1 << 20),
                          static_cast<int64_t>(kPageSize));
    const int64_t pages =
        static_cast<int64_t>(pages_->pages_in_use) - static_cast<int64_t>(pages_swept_);
    if (pages <= 0) {
      sweep_pages_per_byte_ = 0;
    } else {
      sweep_pages_per_byte_ = static_cast<double>(pages) / static_cast<double>(distance);
      sweep_heap_live_basis_ = basis;
      pages_swept_basis_ = pages_swept_;
    }
  }
  seams_.observer->SweepPaced();
}

}  // namespace heapsim::heap
