// The bit space: one bit for each slot of each span that holds objects, in 64-slot words.
//
// A span's slots have consecutive bits from a word border on. A slot's bit index (word x 64 + bit)
// therefore names an object in 8 bytes or less, finds its word without its span, and lets others
// (the replay's dead bits) keep arrays beside the allocation bits.
#ifndef HEAPSIM_HEAP_BIT_SPACE_H_
#define HEAPSIM_HEAP_BIT_SPACE_H_

#include <cstdint>
#include <vector>

#include "heap/fatal.h"
#include "heap/seams.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

using BitIndex = uint64_t;

// Words that a heap has at most: what arrays kept beside the bit space need to have room for.
inline constexpr uint64_t kMaxSlotWords = uint64_t{1} << 28;

class BitSpace {
 public:
  // Words for spans in `arena_bytes` of address space: enough for one word a heap page, twice.
  explicit BitSpace(uint64_t max_words)
      : words_(max_words), owners_(max_words), free_(kMaxWords + 1) {}

  // A run of `count` words (1..16) for a span, all 0.
  uint32_t Allocate(uint32_t count, SpanId owner) {
    uint32_t w;
    if (!free_[count].empty()) {
      w = free_[count].back();
      free_[count].pop_back();
    } else {
      if (next_ + count > words_.capacity()) {
        Throw(FatalCode::kTooManySlots, "the simulator has no room for more slots");
      }
      w = next_;
      next_ += count;
    }
    for (uint32_t i = 0; i < count; ++i) {
      words_[w + i] = 0;
      owners_[w + i] = owner;
    }
    return w;
  }
  void Free(uint32_t word, uint32_t count) { free_[count].push_back(word); }

  // Allocation bits: set for slots known to be taken when the span was last swept (plus, under
  // explicit reclaim, those taken since).
  uint64_t* words(uint32_t w) { return &words_[w]; }
  const uint64_t* words(uint32_t w) const { return &words_[w]; }
  SpanId OwnerOf(BitIndex bit) const { return owners_[bit >> 6]; }
  void Prefetch(BitIndex bit) const {
    __builtin_prefetch(&words_[bit >> 6], 1);
    __builtin_prefetch(&owners_[bit >> 6]);
  }
  // Words ever used: the length that arrays kept beside need.
  uint32_t size() const { return next_; }

 private:
  static constexpr uint32_t kMaxWords = 16;  // 1,024 slots, the most a span has

  VirtualArray<uint64_t> words_;
  VirtualArray<SpanId> owners_;
  std::vector<std::vector<uint32_t>> free_;  // by length, last in, first out
  uint32_t next_ = 1;                        // word 0 stays unused, so that bit index 0 means none
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_BIT_SPACE_H_
