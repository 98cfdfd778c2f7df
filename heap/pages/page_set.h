// A set of pages as bits, with a bit above each word that has any, and so on up to one word: to add
// a page, to take one out and to find the next one are a few words' work each, however many there
// are.
#ifndef HEAPSIM_HEAP_PAGES_PAGE_SET_H_
#define HEAPSIM_HEAP_PAGES_PAGE_SET_H_

#include <array>
#include <bit>
#include <cstdint>

#include "heap/virtual_array.h"

namespace heapsim::heap {

class PageSet {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  // Of numbers below `limit`, which is at most 2^29.
  explicit PageSet(uint64_t limit) : PageSet(limit, Begins(limit)) {}

  bool empty() const { return words_[begin_[kLevels - 1]] == 0; }
  bool Contains(uint64_t i) const { return (words_[begin_[0] + i / 64] >> (i % 64) & 1) != 0; }

  void Add(uint64_t i) {
    for (int level = 0; level < kLevels; ++level, i /= 64) {
      uint64_t& word = words_[begin_[level] + i / 64];
      const bool known_above = word != 0;
      word |= uint64_t{1} << (i % 64);
      if (known_above) return;
    }
  }
  void Remove(uint64_t i) {
    for (int level = 0; level < kLevels; ++level, i /= 64) {
      uint64_t& word = words_[begin_[level] + i / 64];
      word &= ~(uint64_t{1} << (i % 64));
      if (word != 0) return;
    }
  }

  // kNone: there is none.
  uint64_t First() const {
    return empty() ? kNone : LowestBelow(kLevels - 1, Lowest(words_[begin_[kLevels - 1]]));
  }
  uint64_t AtOrAbove(uint64_t i) const {
    for (int level = 0; level < kLevels; ++level) {
      const uint64_t here = words_[begin_[level] + i / 64] >> (i % 64);
      if (here != 0) return LowestBelow(level, i + Lowest(here));
      i = i / 64 + 1;
    }
    return kNone;
  }
  uint64_t Last() const {
    return empty() ? kNone : HighestBelow(kLevels - 1, Highest(words_[begin_[kLevels - 1]]));
  }
  uint64_t AtOrBelow(uint64_t i) const {
    for (int level = 0; level < kLevels; ++level) {
      const uint64_t here = words_[begin_[level] + i / 64] << (63 - i % 64);
      if (here != 0) return HighestBelow(level, i - (63 - Highest(here)));
      if (i < 64) return kNone;
      i = i / 64 - 1;
    }
    return kNone;
  }

 private:
  static constexpr int kLevels = 5;
  using Places = std::array<uint32_t, kLevels + 1>;  // where the words of each level begin; the end

  static Places Begins(uint64_t limit) {
    std::array<uint64_t, kLevels> words;
    for (uint64_t& n : words) n = limit = limit / 64 + 1;  // one place more: where a search goes on
    // The upper levels, which are always used, stand side by side.
    Places begin = {};
    uint64_t at = 0;
    for (int level = kLevels - 1; level >= 0; --level) {
      begin[level] = static_cast<uint32_t>(at);
      at += words[level];
    }
    begin[kLevels] = static_cast<uint32_t>(at);
    return begin;
  }
  // Used in places only: no large pages.
  PageSet(uint64_t, const Places& begin)
      : begin_(begin), words_(begin[kLevels], begin[kLevels] * sizeof(uint64_t)) {}

  static uint64_t Lowest(uint64_t word) { return static_cast<uint64_t>(std::countr_zero(word)); }
  static uint64_t Highest(uint64_t word) {
    return 63 - static_cast<uint64_t>(std::countl_zero(word));
  }
  // Of what is below place `i` of a level.
  uint64_t LowestBelow(int level, uint64_t i) const {
    while (level-- > 0) i = i * 64 + Lowest(words_[begin_[level] + i]);
    return i;
  }
  uint64_t HighestBelow(int level, uint64_t i) const {
    while (level-- > 0) i = i * 64 + Highest(words_[begin_[level] + i]);
    return i;
  }

  Places begin_;
  VirtualArray<uint64_t> words_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_PAGE_SET_H_
