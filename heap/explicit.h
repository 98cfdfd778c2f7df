// The half of explicit reclaim that nearly every event meets, for loops that inline it.
#ifndef HEAPSIM_HEAP_EXPLICIT_H_
#define HEAPSIM_HEAP_EXPLICIT_H_

#include <bit>
#include <cstdint>

#include "heap/heap.h"

namespace heapsim::heap {

// Loads one of the words of a cached span, and takes its first slot. state: the span's, as it was.
inline BitIndex Heap::TakeWord(CacheSlot& k, BitSpace::Word* words, SlotState state, uint32_t word,
                               ExplicitSums* sums) {
  // Bits behind the last slot are set (InitSlots).
  const uint64_t free = ~words[word].bits;
  words[word].bits = ~uint64_t{0};
  const auto count = static_cast<uint32_t>(std::popcount(free));
  state.v &= ~(uint32_t{1} << word);
  k.needzero = state.needzero();
  words->state.v = state.v + count * SlotState::kOneTaken;
  sums->taken += count * k.elemsize;
  k.word_bit = k.bit + word * 64;
  k.free = free;
  return TakeLoaded(k);
}

inline BitIndex Heap::ReloadSlot(SpanClass c, CacheSlot& k, ExplicitSums* sums) {
  // A cache without a span has bit 0, whose word has no slots.
  BitSpace::Word* const words = &bits_.word(k.bit >> 6);
  const SlotState state = words->state;
  if (state.words() != 0) {
    if (state.none_taken()) [[unlikely]] {
      return 0;
    }
    // Those ahead come first. Without any, the span goes to the head of the central list and is
    // what comes from there. Which of both is as good as random, so nobody asks.
    const uint64_t ahead = state.words() & (~uint32_t{1} << k.word());
    const uint64_t turns = (ahead - 1) >> 63;
    sums->tails += k.tail & (0 - turns);
    const uint64_t either = ahead | uint64_t{state.words()} << 32;
    return TakeWord(k, words, state, static_cast<uint32_t>(std::countr_zero(either)) % 32, sums);
  }
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  const SpanId id = spans_.First(nonempty);
  if (id == kNoSpan) return 0;
  Span& t = spans_[id];
  BitSpace::Word* const from = &bits_.word(t.bits);
  SlotState found = from->state;
  if (found.words() == 0 || k.span == kNoSpan) [[unlikely]] {
    return 0;
  }
  words->state.v = state.v & ~SlotState::kInCache;
  spans_.PopFirst(nonempty, t);
  t.list = static_cast<ListId>(kEmpty + c);
  stats_.nmalloc[c] += k.nelems - found.taken();
  sums->tails += k.tail;
  found.v |= SlotState::kInCache;
  // What is the same for all spans of a class is there already.
  k.bit = uint64_t{t.bits} * 64;
  k.resident = t.resident ? ~uint64_t{0} : 0;
  k.base = t.base;
  k.span = id;
  return TakeWord(k, from, found, static_cast<uint32_t>(std::countr_zero(found.words())), sums);
}

inline SpanId Heap::FreeSmallSlot(uint64_t word, uint64_t bit, uint32_t size_class) {
  BitSpace::Word& w = bits_.word(word);
  BitSpace::Word& first = *(&w - w.index());
  w.bits &= ~(uint64_t{1} << (bit & 63));
  const uint32_t before = first.state.v;
  const SlotState state{(before | SlotState::kNeedZero | uint32_t{1} << w.index()) -
                        SlotState::kOneTaken};
  first.state = state;
  // A span without words that is in no cache was full. Nothing is known about which spans are
  // cached, or were full: one branch for both.
  if ((before & (SlotState::kWords | SlotState::kInCache)) == 0) {
    const SpanId id = w.owner();
    if (state.none_taken()) [[unlikely]] {
      return id;
    }
    spans_.PutFirst(static_cast<ListId>(kNonempty + size_class * 2 + state.noscan()), id);
  } else if (state.none_taken()) [[unlikely]] {
    if ((before & SlotState::kInCache) == 0) return w.owner();
  }
  return kNoSpan;
}

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_EXPLICIT_H_
