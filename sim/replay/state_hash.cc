#include "sim/replay/state_hash.h"

namespace heapsim::sim {

void StateHash::Flush() {
  // Chained by the seed: the order of values counts.
  hash_ = XXH3_64bits_withSeed(buffer_.data(), buffer_.size() * sizeof(uint64_t), hash_);
  buffer_.clear();
}

uint64_t StateHash::Finish() {
  if (!buffer_.empty()) Flush();
  return hash_;
}

void StateHash::AddHeap(const heap::Heap& heap, const DeadBits& dead) {
  for (heap::Address a = heap.arena().start(); a < heap.arena().used();) {
    const heap::SpanId id = heap.SpanContaining(a);
    const heap::Span& s = heap.spans()[id];
    const bool in_use = s.state == heap::SpanState::kInUse;
    const heap::SlotState slots = in_use ? heap.Slots(s) : heap::SlotState{};
    Add({heap.DescriptorAddress(id).v, s.base, s.npages, s.npreleased,
         static_cast<uint64_t>(s.state), in_use ? slots.needzero() : s.needzero,
         s.state == heap::SpanState::kFree ? static_cast<uint64_t>(s.unusedsince) : 0});
    if (in_use) {
      Add({s.span_class, s.sweepgen, s.list, slots.incache(), s.limit});
      uint64_t words[16];
      heap.AllocatedSlots(id, words);
      for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) {
        Add({words[i], dead.DeadWord((uint64_t{s.bits} + i) * 64)});
      }
    }
    a = heap::Address(s.end());
  }
  heap.pages().ForEachFree([&](const heap::FreeRun& r) { Add(r.base.v); });
  const heap::MemStats m = heap.ReadStats();
  Add({m.heap_sys, m.heap_idle, m.heap_inuse, m.heap_released, m.heap_live, m.heap_marked,
       m.gc_trigger, m.next_gc, m.mspan_inuse, m.heap_objects, m.tinyallocs, m.largealloc,
       m.largefree, heap.pages_swept(), heap.sweepgen()});
}

}  // namespace heapsim::sim
