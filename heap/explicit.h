// The half of explicit reclaim that nearly every event meets, for loops that inline it.
#ifndef HEAPSIM_HEAP_EXPLICIT_H_
#define HEAPSIM_HEAP_EXPLICIT_H_

#include <bit>
#include <cstdint>

#include "heap/heap.h"

namespace heapsim::heap {

// All ones where it holds. As numbers, since a condition would become a branch.
inline uint32_t Mask(bool holds) { return 0 - uint32_t{holds}; }

// Loads the first of these words of the cached span, and takes its first slot.
inline BitIndex Heap::LoadFirst(CacheSlot& k, Span& s, uint32_t words) {
  const uint32_t word = static_cast<uint32_t>(std::countr_zero(words));
  s.free_words = static_cast<uint16_t>(s.free_words & (words - 1));
  uint64_t& w = *bits_.words(s.bits + word);
  const uint64_t free = ~w & SlotMask(s.nelems, word);
  w |= free;
  s.alloc_count = static_cast<uint16_t>(s.alloc_count + std::popcount(free));
  k.needzero = s.needzero;
  k.word_bit = (uint64_t{s.bits} + word) * 64;
  k.free = free;
  return TakeLoaded(k);
}

inline BitIndex Heap::ReloadSlot(uint32_t p, SpanClass c, CacheSlot& k, ExplicitSums* sums) {
  if (k.span == kNoSpan) return 0;
  p_ = p;
  Span& s = spans_[k.span];
  if (s.free_words != 0) {
    if (s.alloc_count == 0) [[unlikely]] {
      return 0;
    }
    // Without words ahead, the span goes to the head of the central list and is the first that
    // comes from there.
    const uint32_t ahead = s.free_words & (~uint32_t{1} << k.word());
    const uint32_t from_list = Mask(ahead == 0);
    sums->heap_live +=
        (s.npages * uint32_t{kPageSize} - uint32_t{s.nelems} * s.elemsize) & from_list;
    return LoadFirst(k, s, ahead | (s.free_words & from_list));
  }
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  const SpanId id = spans_.First(nonempty);
  if (id == kNoSpan) return 0;
  Span& t = spans_[id];
  if (t.free_words == 0 || t.alloc_count >= t.nelems) [[unlikely]] {
    return 0;
  }
  s.incache = false;
  spans_.TakeFirst(nonempty);
  t.list = static_cast<ListId>(kEmpty + c);
  t.incache = true;
  stats_.nmalloc[c] += t.nelems - t.alloc_count;
  sums->heap_live += t.bytes().v - uint64_t{t.alloc_count} * t.elemsize;
  // What is the same for all spans of a class is there already.
  k.bit = uint64_t{t.bits} * 64;
  k.resident = t.resident ? ~uint64_t{0} : 0;
  k.base = t.base;
  k.span = id;
  return LoadFirst(k, t, t.free_words);
}

inline SpanId Heap::FreeSmallSlot(uint64_t* nsmallfree, BitIndex bit, SpanClass c,
                                  ExplicitSums* sums) {
  const SpanId id = bits_.OwnerOf(bit);
  Span& s = spans_[id];
  bits_.words(0)[bit >> 6] &= ~(uint64_t{1} << (bit & 63));
  ++nsmallfree[c >> 1];
  s.needzero = true;
  s.free_words = static_cast<uint16_t>(s.free_words | 1u << ((bit >> 6) - s.bits));
  const uint32_t left = s.alloc_count - 1u;
  s.alloc_count = static_cast<uint16_t>(left);
  // Nothing is known about which spans are cached, or were full: one branch for both.
  const uint32_t uncached = uint32_t{s.incache} - 1;
  sums->slot_bytes += s.elemsize;
  sums->heap_live -= s.elemsize & uncached;
  if (left == 0) [[unlikely]] {
    if (uncached != 0) return id;
  } else if ((uncached & Mask(left == s.nelems - 1u)) != 0) {
    spans_.PutFirst(static_cast<ListId>(kNonempty + c), id);
  }
  return kNoSpan;
}

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_EXPLICIT_H_
