#include "heap/front/span_slots.h"

#include <algorithm>
#include <bit>

namespace heapsim::heap {

ListId SpanSlots::ListOf(const Span& s) const {
  if (order_ == Order::kLatest) return static_cast<ListId>(kNonempty + s.span_class);
  const uint32_t width = static_cast<uint32_t>(std::bit_width(uint32_t{s.alloc_count}));
  return static_cast<ListId>(kOccupancy + kOccupancyLists * s.span_class +
                             std::clamp(width, 1u, kOccupancyLists) - 1);
}

SpanId SpanSlots::First(SpanClass c) const {
  if (order_ == Order::kLatest) return c_.spans->First(static_cast<ListId>(kNonempty + c));
  for (uint32_t i = kOccupancyLists; i-- > 0;) {
    const SpanId id = c_.spans->First(static_cast<ListId>(kOccupancy + kOccupancyLists * c + i));
    if (id != kNoSpan) return id;
  }
  return kNoSpan;
}

uint32_t SpanSlots::Take(SpanClass c, uint32_t count, bool may_grow, std::vector<BitIndex>* slots) {
  SpanId id = First(c);
  if (id == kNoSpan) {
    if (!may_grow) return 0;
    id = c_.grow(c);
  }
  Span& s = (*c_.spans)[id];
  const ListId before = s.list;
  uint32_t taken = 0;
  while (taken < count && s.free_words != 0) {
    const uint32_t word = static_cast<uint32_t>(std::countr_zero(uint32_t{s.free_words}));
    uint64_t& bits = c_.bits->bits(s.bits + word);
    uint64_t free = ~bits;  // bits behind the last slot are set (Heap::InitSlots)
    for (; taken < count && free != 0; free &= free - 1, ++taken) {
      slots->push_back((uint64_t{s.bits} + word) * 64 +
                       static_cast<uint64_t>(std::countr_zero(free)));
      bits |= free & -free;
    }
    if (free == 0) s.free_words = static_cast<uint16_t>(s.free_words & ~(1u << word));
  }
  s.alloc_count = static_cast<uint16_t>(s.alloc_count + taken);
  const bool full = s.alloc_count == s.nelems;
  if (full || before != ListOf(s)) {
    if (before != kNoList) c_.spans->Remove(before, id);
    if (full) {
      s.list = static_cast<ListId>(kEmpty + c);
    } else {
      c_.spans->Insert(ListOf(s), id);
    }
  }
  return taken;
}

void SpanSlots::Give(BitIndex bit) {
  BitSpace::Word& word = c_.bits->word(bit >> 6);
  const SpanId id = word.owner();
  Span& s = (*c_.spans)[id];
  word.bits &= ~(uint64_t{1} << (bit & 63));
  s.free_words = static_cast<uint16_t>(s.free_words | 1u << ((bit >> 6) - s.bits));
  s.needzero = true;
  const bool was_full = s.alloc_count == s.nelems;
  --s.alloc_count;
  const ListId before = s.list;
  if (s.alloc_count != 0 && !was_full && before == ListOf(s)) return;
  if (was_full) {
    s.list = kNoList;
  } else {
    c_.spans->Remove(before, id);
  }
  if (s.alloc_count == 0) {
    c_.release(id);
  } else {
    c_.spans->Insert(ListOf(s), id);
  }
}

}  // namespace heapsim::heap
