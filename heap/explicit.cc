// Caches, central lists and frees where a free gives its slot back at once. There is no such mode
// in the runtime; what it does is what the runtime's structures would with no collection between.
//
// A free may come at any time, so the slots that a cache has loaded are marked and counted as taken
// at once, and those it has not handed out are taken off when their span leaves it. Spans mostly
// come with one or two free slots, so a refill is as frequent as an allocation: it must be short. A
// full span is in no list, for there is nothing to sweep that would have to find it; Span::list
// still says kEmpty.

#include "heap/explicit.h"

#include <bit>

#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {

// A cache's span goes: to the page heap if nothing is left in it, to the head of the central list
// if it has free slots.
void Heap::DropCached(CacheSlot& k) {
  const SpanId id = k.span;
  Span& s = spans_[id];
  if (k.free != 0) {
    const uint32_t loaded = CountBits(k.free);
    s.alloc_count = static_cast<uint16_t>(s.alloc_count - loaded);
    stats_.heap_live -= uint64_t{loaded} * s.elemsize;
    bits_.words(s.bits)[k.word()] &= ~k.free;
    s.free_words = static_cast<uint16_t>(s.free_words | 1u << k.word());
  }
  s.incache = false;
  const SpanClass c = s.span_class;
  const uint32_t free = s.nelems - s.alloc_count;
  if (observes_caches_) [[unlikely]] {
    seams_.observer->Uncached(c, id, s.address(), free);
  }
  if (free == 0) return;
  stats_.nmalloc[c] -= free;
  s.list = kNoList;
  if (s.alloc_count == 0) {
    s.needzero = true;
    FreeObjectSpan(id, FreeCause::kSmall);
  } else {
    spans_.Insert(static_cast<ListId>(kNonempty + c), id);
  }
}

BitIndex Heap::NextSlotExplicit(uint32_t p, SpanClass c) {
  p_ = p;
  CacheSlot& k = cache(p, c);
  ExplicitSums sums;
  const auto load = [&](Span& s, uint32_t words) {
    const BitIndex bit =
        TakeWord(k, s, s.slots(), static_cast<uint32_t>(std::countr_zero(words)), &sums);
    AddSums(sums);
    return bit;
  };
  if (k.span != kNoSpan) {
    // What came free among the words before stays there until the span comes back.
    Span& s = spans_[k.span];
    const uint32_t ahead = s.free_words & (~uint32_t{1} << k.word());
    if (ahead != 0) return load(s, ahead);
  }
  // The span at the head of the central list, or a new one.
  if (observes_caches_) [[unlikely]] {
    seams_.observer->RefillBegin(p, c, k.span);
  }
  if (k.span != kNoSpan) DropCached(k);
  const uint64_t span_bytes = uint64_t{(*options_.classes)[c >> 1].pages} << kPageShift;
  if (observes_caches_) [[unlikely]] {
    Deduct(Bytes(span_bytes), Pages(0));
  }
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  RefillPath path = RefillPath::kNonempty;
  SpanId id;
  if (!spans_.IsEmpty(nonempty)) [[likely]] {
    id = spans_.TakeFirst(nonempty);
  } else {
    path = RefillPath::kGrow;
    k = CacheSlot{};  // growing may end in an error
    id = GrowCentral(c);
  }
  Span& s = spans_[id];
  s.list = static_cast<ListId>(kEmpty + c);
  if (s.alloc_count >= s.nelems) Throw(FatalCode::kNoFreeSlot, "span has no free objects");
  if (s.free_words == 0) Throw(FatalCode::kFreeIndex, "freeIndex is not valid");
  stats_.nmalloc[c] += s.nelems - s.alloc_count;
  k.tail = span_bytes - uint64_t{s.nelems} * s.elemsize;
  sums.tails = k.tail;
  if (observes_caches_) [[unlikely]] {
    const uint64_t live = HeapLive() + span_bytes - uint64_t{s.alloc_count} * s.elemsize;
    seams_.observer->RefillEnd({id, s.address(), path, s.alloc_count, 0, live});
  }
  s.incache = true;
  k.bit = uint64_t{s.bits} * 64;
  k.resident = s.resident ? ~uint64_t{0} : 0;
  k.elemsize = s.elemsize;
  k.nelems = s.nelems;
  k.base = s.base;
  k.span = id;
  return load(s, s.free_words);
}

void Heap::FreeSlot(BitIndex bit) {
  const SpanId id = bits_.OwnerOf(bit);
  Span& s = spans_[id];
  if (!s.large()) {
    if (options_.front_end != nullptr) return FreeToFront(bit);
    ExplicitSums sums;
    const SpanId empty = FreeSmallSlot(SmallFrees(p_), bit, s.size_class(), &sums);
    AddSums(sums);
    if (empty != kNoSpan) FreeEmpty(empty);
    return;
  }
  s.alloc_count = 0;
  s.needzero = true;
  stats_.heap_live -= s.bytes().v;
  ++local_[p_].nlargefree;
  local_[p_].largefree += s.bytes().v;
  FreeObjectSpan(id, FreeCause::kLarge);
}

void Heap::FreeEmpty(SpanId id) {
  Span& s = spans_[id];
  if (s.nelems == 1) {
    s.list = kNoList;  // it was full
  } else {
    spans_.Remove(static_cast<ListId>(kNonempty + s.span_class), id);
  }
  FreeObjectSpan(id, FreeCause::kSmall);
}

}  // namespace heapsim::heap
