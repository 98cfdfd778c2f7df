// The half of explicit reclaim that nearly every event meets, for loops that inline it.
#ifndef HEAPSIM_HEAP_EXPLICIT_H_
#define HEAPSIM_HEAP_EXPLICIT_H_

#include <bit>
#include <cstdint>

#include "heap/heap.h"

namespace heapsim::heap {

// Loads one of the words of a cached span, and takes its first slot.
inline BitIndex Heap::TakeWord(CacheSlot& k, Span& s, Span::Slots slots, uint32_t word,
                               ExplicitSums* sums) {
  // Bits behind the last slot are set (InitSlots).
  uint64_t& w = *bits_.words(s.bits + word);
  const uint64_t free = ~w;
  w = ~uint64_t{0};
  const auto count = static_cast<uint32_t>(std::popcount(free));
  slots.v &= ~(uint64_t{1} << word);
  k.needzero = (slots.v & Span::Slots::kNeedZero) != 0;
  s.set_slots({slots.v + count * Span::Slots::kOneTaken});
  sums->taken += count * s.elemsize;
  k.word_bit = (uint64_t{s.bits} + word) * 64;
  k.free = free;
  return TakeLoaded(k);
}

inline BitIndex Heap::ReloadSlot(SpanClass c, CacheSlot& k, ExplicitSums* sums) {
  if (k.span == kNoSpan) return 0;
  Span& s = spans_[k.span];
  const Span::Slots slots = s.slots();
  if (slots.words() != 0) {
    if (slots.taken() == 0) [[unlikely]] {
      return 0;
    }
    // Without words ahead, the span goes to the head of the central list and is the first that
    // comes from there.
    const uint32_t ahead = slots.words() & (~uint32_t{1} << k.word());
    sums->tails += ahead == 0 ? k.tail : 0;
    const uint32_t words = ahead == 0 ? slots.words() : ahead;
    return TakeWord(k, s, slots, static_cast<uint32_t>(std::countr_zero(words)), sums);
  }
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  const SpanId id = spans_.First(nonempty);
  if (id == kNoSpan) return 0;
  Span& t = spans_[id];
  Span::Slots from = t.slots();
  if (from.words() == 0) [[unlikely]] {
    return 0;
  }
  s.set_slots({slots.v & ~uint64_t{Span::Slots::kInCache}});
  spans_.TakeFirst(nonempty);
  t.list = static_cast<ListId>(kEmpty + c);
  stats_.nmalloc[c] += from.nelems() - from.taken();
  sums->tails += k.tail;
  from.v |= Span::Slots::kInCache;
  // What is the same for all spans of a class is there already.
  k.bit = uint64_t{t.bits} * 64;
  k.resident = t.resident ? ~uint64_t{0} : 0;
  k.base = t.base;
  k.span = id;
  return TakeWord(k, t, from, static_cast<uint32_t>(std::countr_zero(from.words())), sums);
}

inline SpanId Heap::FreeSmallSlot(uint64_t* nsmallfree, BitIndex bit, uint32_t size_class,
                                  ExplicitSums* sums) {
  const uint64_t word = bit >> 6;
  const SpanId id = bits_.OwnerOf(bit);
  Span& s = spans_[id];
  bits_.words(0)[word] &= ~(uint64_t{1} << (bit & 63));
  ++nsmallfree[size_class];
  const uint64_t before = s.slots().v;
  const Span::Slots slots{(before | Span::Slots::kNeedZero | uint64_t{1} << (word - s.bits)) -
                          Span::Slots::kOneTaken};
  s.set_slots(slots);
  sums->freed += s.elemsize;
  // A span without words that is in no cache was full. Nothing is known about which spans are
  // cached, or were full: one branch for both.
  if ((before & (Span::Slots::kWords | Span::Slots::kInCache)) == 0) {
    if (slots.taken() == 0) [[unlikely]] {
      return id;
    }
    spans_.PutFirst(static_cast<ListId>(kNonempty + s.span_class), id);
  } else if (slots.taken() == 0) [[unlikely]] {
    if ((before & Span::Slots::kInCache) == 0) return id;
  }
  return kNoSpan;
}

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_EXPLICIT_H_
