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
  SlotState& state = bits_.word(s.bits).state;
  if (k.free != 0) {
    const uint32_t loaded = CountBits(k.free);
    state.v -= loaded * SlotState::kOneTaken;
    stats_.heap_live -= uint64_t{loaded} * s.elemsize;
    bits_.bits(s.bits + k.word()) &= ~k.free;
    state.v |= uint32_t{1} << k.word();
  }
  state.v &= ~SlotState::kInCache;
  const SpanClass c = s.span_class;
  const uint32_t free = s.nelems - state.taken();
  if (observes_caches_) [[unlikely]] {
    seams_.observer->Uncached(c, id, s.address(), free);
  }
  if (free == 0) return;
  stats_.nmalloc[c] -= free;
  s.list = kNoList;
  if (state.none_taken()) {
    state.v |= SlotState::kNeedZero;
    FreeObjectSpan(id, FreeCause::kSmall);
  } else {
    spans_.Insert(static_cast<ListId>(kNonempty + c), id);
  }
}

BitIndex Heap::NextSlotExplicit(uint32_t p, SpanClass c) {
  p_ = p;
  CacheSlot& k = cache(p, c);
  ExplicitSums sums;
  const auto load = [&](uint32_t which) {
    BitSpace::Word* const words = &bits_.word(k.bit >> 6);
    const BitIndex bit =
        TakeWord(k, words, words->state, static_cast<uint32_t>(std::countr_zero(which)), &sums);
    AddSums(sums);
    return bit;
  };
  if (k.span != kNoSpan) {
    // What came free among the words before stays there until the span comes back.
    const uint32_t ahead = bits_.word(k.bit >> 6).state.words() & (~uint32_t{1} << k.word());
    if (ahead != 0) return load(ahead);
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
  SlotState& state = bits_.word(s.bits).state;
  if (state.taken() >= s.nelems) Throw(FatalCode::kNoFreeSlot, "span has no free objects");
  if (state.words() == 0) Throw(FatalCode::kFreeIndex, "freeIndex is not valid");
  stats_.nmalloc[c] += s.nelems - state.taken();
  k.tail = span_bytes - uint64_t{s.nelems} * s.elemsize;
  sums.tails = k.tail;
  if (observes_caches_) [[unlikely]] {
    const uint64_t live = HeapLive() + span_bytes - uint64_t{state.taken()} * s.elemsize;
    seams_.observer->RefillEnd(
        {id, s.address(), path, static_cast<uint16_t>(state.taken()), 0, live});
  }
  state.v |= SlotState::kInCache;
  k.bit = uint64_t{s.bits} * 64;
  k.resident = s.resident ? ~uint64_t{0} : 0;
  k.elemsize = s.elemsize;
  k.nelems = s.nelems;
  k.base = s.base;
  k.span = id;
  return load(state.words());
}

void Heap::FreeSlot(BitIndex bit) {
  const SpanId id = bits_.OwnerOf(bit);
  Span& s = spans_[id];
  if (!s.large()) {
    if (options_.front_end != nullptr) return FreeToFront(bit);
    ++SmallFrees(p_)[s.size_class()];
    stats_.heap_live -= s.elemsize;
    const SpanId empty = FreeSmallSlot(bit >> 6, bit, s.size_class());
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
