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
inline constexpr uint64_t kMaxSlotWords = uint64_t{1} << 27;

// What the slots of a span are like under explicit reclaim: all that a free and a refill look at.
struct SlotState {
  // Which of its words have slots that are free and in no cache.
  static constexpr uint32_t kWords = 0xffff;
  static constexpr uint32_t kInCache = 1 << 16;
  static constexpr uint32_t kNeedZero = 1 << 17;
  static constexpr uint32_t kNoScan = 1 << 18;  // of the span class
  // Slots handed out or loaded by a cache: above all else, so that one comparison finds none.
  static constexpr uint32_t kOneTaken = 1 << 21;

  uint32_t v = 0;

  uint32_t words() const { return v & kWords; }
  uint32_t taken() const { return v / kOneTaken; }
  bool none_taken() const { return v < kOneTaken; }
  bool needzero() const { return (v & kNeedZero) != 0; }
  uint32_t noscan() const { return v / kNoScan % 2; }
  bool incache() const { return (v & kInCache) != 0; }
};

class BitSpace {
 public:
  // At most `max_words` words.
  explicit BitSpace(uint64_t max_words) : words_(max_words), free_(kMaxWords + 1) {}

  // A run of `count` words (1..16) for a span, all 0.
  uint32_t Allocate(uint32_t count, SpanId owner) {
    if (owner >> kIndexShift != 0) {
      Throw(FatalCode::kTooManySlots, "the simulator has no room for more spans of slots");
    }
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
      words_[w + i] = {.bits = 0, .owner_and_index = owner | i << kIndexShift, .state = {}};
    }
    return w;
  }
  void Free(uint32_t word, uint32_t count) { free_[count].push_back(word); }

  // 64 slots and their span, side by side: who looks at one mostly needs the others.
  struct Word {
    // Allocation bits: set for slots known to be taken when the span was last swept (plus, under
    // explicit reclaim, those taken since).
    uint64_t bits;
    uint32_t owner_and_index;  // the span; above, which of its words this is
    SlotState state;           // explicit reclaim: in the first of a span's words

    SpanId owner() const { return owner_and_index & ((uint32_t{1} << kIndexShift) - 1); }
    uint32_t index() const { return owner_and_index >> kIndexShift; }
  };
  static_assert(sizeof(Word) == 16);
  Word& word(uint64_t w) { return words_[w]; }
  const Word& word(uint64_t w) const { return words_[w]; }
  uint64_t& bits(uint64_t w) { return words_[w].bits; }
  uint64_t bits(uint64_t w) const { return words_[w].bits; }
  SpanId OwnerOf(BitIndex bit) const { return words_[bit >> 6].owner(); }
  void Prefetch(BitIndex bit) const { __builtin_prefetch(&words_[bit >> 6], 1); }
  // Words ever used: the length that arrays kept beside need.
  uint32_t size() const { return next_; }

 private:
  static constexpr uint32_t kMaxWords = 16;  // 1,024 slots, the most a span has
  // Ids of spans, which the pages of the arena bound, are less than 2^28 up to 1 TiB of it.
  static constexpr uint32_t kIndexShift = 28;

  VirtualArray<Word> words_;
  std::vector<std::vector<uint32_t>> free_;  // by length, last in, first out
  uint32_t next_ = 1;                        // word 0 stays unused, so that bit index 0 means none
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_BIT_SPACE_H_
