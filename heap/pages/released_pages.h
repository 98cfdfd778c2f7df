// Which free pages have been given back to the system: a bit for each page of the arena.
//
// A free run knows how many of its pages are released; here stands which, so that part of a run can
// be given back or taken, and the rest is still known.
#ifndef HEAPSIM_HEAP_PAGES_RELEASED_PAGES_H_
#define HEAPSIM_HEAP_PAGES_RELEASED_PAGES_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "heap/span.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

// Pages are counted from the arena's start.
class ReleasedPages {
 public:
  explicit ReleasedPages(const ArenaLayout& layout)
      : words_(((layout.end - layout.start).v >> kPageShift) / 64 + 2) {}

  void Set(uint64_t page, uint64_t n) {
    ForWords(page, n, [&](uint64_t w, uint64_t mask) { words_[w] |= mask; });
  }
  void Clear(uint64_t page, uint64_t n) {
    ForWords(page, n, [&](uint64_t w, uint64_t mask) { words_[w] &= ~mask; });
  }
  uint64_t Count(uint64_t page, uint64_t n) const {
    uint64_t count = 0;
    ForWords(page, n, [&](uint64_t w, uint64_t mask) {
      count += static_cast<uint64_t>(std::popcount(words_[w] & mask));
    });
    return count;
  }

  // The first page of [begin, end) that is released, or that is not; `end` where there is none.
  uint64_t First(uint64_t begin, uint64_t end, bool released) const {
    for (uint64_t p = begin; p < end;) {
      const uint64_t bits = (released ? words_[p / 64] : ~words_[p / 64]) >> (p % 64);
      if (bits != 0) return std::min(end, p + static_cast<uint64_t>(std::countr_zero(bits)));
      p = RoundDown(p, 64) + 64;
    }
    return end;
  }

  // What to give back of the free run [begin, end): of its pages that are not released, the highest
  // that lie together, at most `want` of them but whole OS pages of `unit` heap pages (a power of
  // two). Empty where no whole OS page of the run has any.
  struct Piece {
    uint64_t begin = 0, end = 0;
    uint64_t fresh = 0;  // pages of it that are not released
    bool empty() const { return begin == end; }
  };
  Piece Highest(uint64_t begin, uint64_t end, uint64_t want, uint64_t unit) const {
    begin = RoundUp(begin, unit);
    end = RoundDown(end, unit);
    if (begin >= end) return {};
    const uint64_t last = Last(begin, end, ~uint64_t{0});
    if (last == end) return {};
    Piece piece;
    piece.end = RoundUp(last + 1, unit);
    // Down to the next released page, or as far as is wanted.
    const uint64_t below = Last(begin, last, 0);
    piece.begin = below == last ? begin : below + 1;
    if (piece.end - piece.begin > want) piece.begin = std::max(piece.begin, piece.end - want);
    piece.begin = RoundDown(piece.begin, unit);
    piece.fresh = piece.end - piece.begin - Count(piece.begin, piece.end - piece.begin);
    return piece;
  }

 private:
  template <typename F>
  static void ForWords(uint64_t page, uint64_t n, F visit) {
    while (n > 0) {
      const uint64_t bit = page % 64;
      const uint64_t here = std::min(n, 64 - bit);
      visit(page / 64, (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << bit);
      page += here;
      n -= here;
    }
  }
  // The last page of [begin, end) whose bit is set (flip 0) or clear (flip all ones); `end` where
  // there is none.
  uint64_t Last(uint64_t begin, uint64_t end, uint64_t flip) const {
    for (uint64_t p = end; p > begin;) {
      const uint64_t w = (p - 1) / 64;
      uint64_t bits = words_[w] ^ flip;
      if (p % 64 != 0) bits &= (uint64_t{1} << (p % 64)) - 1;
      if (bits != 0) {
        const uint64_t page = w * 64 + 63 - static_cast<uint64_t>(std::countl_zero(bits));
        return page >= begin ? page : end;
      }
      p = w * 64;
    }
    return end;
  }

  VirtualArray<uint64_t> words_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_RELEASED_PAGES_H_
