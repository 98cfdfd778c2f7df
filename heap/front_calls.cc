// Slots from a front end of its own (heap/front/) in place of the heap's caches.

#include <bit>

#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {

void Heap::AttachFrontEnd() {
  if (options_.reclaim == Reclaim::kGc) {
    Throw(FatalCode::kSelfCheck, "a front end of its own needs explicit frees");
  }
  FrontContext context;
  context.spans = &spans_;
  context.bits = &bits_;
  context.classes = options_.classes;
  context.procs = options_.procs;
  context.grow = [this](SpanClass c) { return GrowCentral(c); };
  context.release = [this](SpanId id) { FreeObjectSpan(id, FreeCause::kSmall); };
  options_.front_end->Attach(context);
}

Placement Heap::TakeFromFront(uint32_t p, SpanClass c, bool needzero) {
  const BitIndex bit = options_.front_end->Take(p, c);
  const Span& s = spans_[bits_.OwnerOf(bit)];
  ++stats_.nmalloc[c];
  stats_.heap_live += s.elemsize;
  Placement r;
  r.address = s.base + (bit - uint64_t{s.bits} * 64) * s.elemsize;
  r.bit = bit;
  r.span_class = c;
  r.tiny = false;
  r.fresh_block = true;
  r.cleared = needzero && s.needzero;
  return r;
}

void Heap::FreeToFront(BitIndex bit) {
  Span& s = spans_[bits_.OwnerOf(bit)];
  ++local_[p_].nsmallfree[s.size_class()];
  stats_.heap_live -= s.elemsize;
  s.needzero = true;  // also while the slot rests in a cache
  options_.front_end->Give(p_, bit);
}

uint32_t Heap::CachedSlots(const Span& s) const {
  if (options_.front_end == nullptr || s.large()) return 0;
  uint32_t slots = 0;
  for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) {
    slots += static_cast<uint32_t>(std::popcount(options_.front_end->CachedWord(s.bits + i)));
  }
  return slots;
}

}  // namespace heapsim::heap
