#include "heap/release/memory_limit.h"

#include <algorithm>

namespace heapsim::heap {

uint64_t MemoryLimit::Mapped() const {
  const MemStats& m = *c_.stats;
  return Retained() + m.stacks_inuse + m.mspan_sys + m.mcache_sys + m.buckhash_sys + m.gc_sys +
         m.other_sys;
}

void MemoryLimit::AfterAllocate() {
  const uint64_t mapped = Mapped();
  if (mapped > limit_.v) c_.pages->ReleaseForLimit(Bytes(mapped - limit_.v));
}

// What is left for objects when all that is not objects, and not free, is taken off, with a margin
// of 3 % or 1 MiB.
uint64_t MemoryLimit::GoalLimit(uint64_t heap_live) const {
  const uint64_t mapped = Mapped(), free = c_.pages->FreeUnreleased().v;
  const uint64_t others = mapped > free + heap_live ? mapped - free - heap_live : 0;
  const uint64_t taken = others + std::max<uint64_t>(limit_.v / 100 * 3, 1 << 20);
  const uint64_t left = limit_.v > taken ? limit_.v - taken : 0;
  return std::max(left, heap_live + kLeastGrowth);
}

}  // namespace heapsim::heap
