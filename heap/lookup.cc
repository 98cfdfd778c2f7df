// From an address to its span or object, with what the page table holds inside free spans: entries
// of spans that once stood there.

#include "heap/heap.h"

namespace heapsim::heap {

SpanId Heap::SpanOf(Address a) const {
  return arena_.Contains(a) ? spans_.AtPage(spans_.PageIndex(a)) : kNoSpan;
}

SpanId Heap::SpanContaining(Address a) const {
  if (!arena_.Contains(a)) return kNoSpan;
  for (uint64_t p = spans_.PageIndex(a) + 1; p-- > 0;) {
    const SpanId id = spans_.AtPage(p);
    if (id == kNoSpan) continue;
    const Span& s = spans_[id];
    // A live descriptor that covers the address is the one: spans do not overlap.
    if (s.state != SpanState::kDead && a.v >= s.base && a.v < s.end()) return id;
  }
  return kNoSpan;
}

SpanId Heap::LookupMaybe(Address a) const { return InHeap(a) ? SpanOf(a) : kNoSpan; }

bool Heap::InHeap(Address a) const {
  const SpanId id = SpanOf(a);
  if (id == kNoSpan) return false;
  const Span& s = spans_[id];
  return a.v >= s.base && a.v < s.limit && s.state == SpanState::kInUse;
}

bool Heap::InHeapOrStack(Address a) const {
  const SpanId id = SpanOf(a);
  if (id == kNoSpan) return false;
  const Span& s = spans_[id];
  if (a.v < s.base) return false;
  const bool allocated = s.state == SpanState::kInUse || s.state == SpanState::kManual;
  return allocated && a.v < s.limit;
}

Heap::Found Heap::Lookup(uint32_t p, Address a) {
  ++local_[p].nlookup;
  Found f;
  f.span = LookupMaybe(a);
  if (f.span == kNoSpan) return f;
  const Span& s = spans_[f.span];
  const uint64_t size = s.slot_bytes();
  f.size = Bytes(size);
  f.base = Address(s.base + (a.v - s.base) / size * size);
  return f;
}

SlotState Heap::Slots(const Span& s) const {
  if (KeepsSlotStates(s)) return bits_.word(s.bits).state;
  return SlotState{uint32_t{s.free_words} | s.alloc_count * SlotState::kOneTaken |
                   (s.noscan() ? SlotState::kNoScan : 0) | (s.needzero ? SlotState::kNeedZero : 0) |
                   (s.incache ? SlotState::kInCache : 0)};
}

void Heap::AllocatedSlots(SpanId id, uint64_t* words) const {
  const Span& s = spans_[id];
  const uint32_t count = (s.nelems + 63u) / 64;
  for (uint32_t i = 0; i < count; ++i) words[i] = bits_.bits(s.bits + i);
  uint32_t free_index = s.free_index;
  if (Slots(s).incache()) {
    for (uint32_t p = 0; p < options_.procs; ++p) {
      const CacheSlot& k = cache(p, s.span_class);
      if (k.span != id) continue;
      if (options_.reclaim == Reclaim::kExplicit) {
        words[k.word()] &= ~k.free;
      } else {
        free_index = k.FreeIndex();
      }
    }
  }
  if (options_.reclaim == Reclaim::kGc) {
    // What was handed out since the last sweep: the slots below the free index.
    for (uint32_t i = 0; i < free_index / 64; ++i) words[i] = ~uint64_t{0};
    if (free_index % 64 != 0) words[free_index / 64] |= (uint64_t{1} << (free_index % 64)) - 1;
  }
  if (options_.front_end != nullptr) {
    for (uint32_t i = 0; i < count; ++i) words[i] &= ~options_.front_end->CachedWord(s.bits + i);
  }
  if (s.nelems % 64 != 0) words[count - 1] &= (uint64_t{1} << (s.nelems % 64)) - 1;
}

}  // namespace heapsim::heap
