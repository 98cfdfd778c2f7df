#include "heap/pages/go119/chunk.h"

#include <algorithm>
#include <bit>

namespace heapsim::heap::go119 {
namespace {

// Calls visit(word, mask) for the words of a range.
template <typename F>
void ForWords(uint32_t page, uint32_t count, F visit) {
  while (count > 0) {
    const uint32_t bit = page % 64;
    const uint32_t n = std::min(count, 64 - bit);
    visit(page / 64, (n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1) << bit);
    page += n;
    count -= n;
  }
}

// The first place of `n` (1..64) ones in a row; 64: none. Each step halves what is still to be
// checked: a bit that stays stands at the start of a run of the length checked so far.
uint32_t FirstRun(uint64_t x, uint32_t n) {
  uint32_t have = 1;
  while (have < n && x != 0) {
    const uint32_t step = std::min(have, n - have);
    x &= x >> step;
    have += step;
  }
  return static_cast<uint32_t>(std::countr_zero(x));
}

// The longest run of ones in `x`, or `least` where none is longer. A bit stays where a run of that
// length starts: that is asked once by halves, then how often all runs can be shortened by one.
uint32_t LongestRun(uint64_t x, uint32_t least) {
  for (uint32_t have = 1; have <= least; have *= 2) {
    x &= x >> std::min(have, least + 1 - have);
    if (x == 0) return least;
  }
  for (; x != 0; ++least) x &= x >> 1;
  return least;
}

// Each aligned group of `m` bits with a bit set becomes all ones.
uint64_t FillGroups(uint64_t x, uint32_t m) {
  if (m <= 1) return x;
  if (m >= 64) return x == 0 ? 0 : ~uint64_t{0};
  const uint64_t group = (uint64_t{1} << m) - 1;
  for (uint32_t i = 0; i < 64; i += m) {
    if ((x >> i & group) != 0) x |= group << i;
  }
  return x;
}

}  // namespace

void PageBits::SetRange(uint32_t page, uint32_t count) {
  ForWords(page, count, [&](uint32_t w, uint64_t mask) { words_[w] |= mask; });
}

void PageBits::ClearRange(uint32_t page, uint32_t count) {
  ForWords(page, count, [&](uint32_t w, uint64_t mask) { words_[w] &= ~mask; });
}

uint32_t PageBits::CountRange(uint32_t page, uint32_t count) const {
  int n = 0;
  ForWords(page, count, [&](uint32_t w, uint64_t mask) { n += std::popcount(words_[w] & mask); });
  return static_cast<uint32_t>(n);
}

Chunk::Found Chunk::Find(uint32_t npages, uint32_t from) const {
  Found found;
  uint32_t run = 0;  // free pages right below word i
  for (uint32_t i = from / 64; i < kChunkWords; ++i) {
    const uint64_t x = taken.word(i);
    if (x == ~uint64_t{0}) {
      run = 0;
      continue;
    }
    if (found.first_free == kNoPage) found.first_free = i * 64 + std::countr_one(x);
    if (x == 0) {
      if (run + 64 >= npages) {
        found.page = i * 64 - run;
        return found;
      }
      run += 64;
      continue;
    }
    if (run + std::countr_zero(x) >= npages) {
      found.page = i * 64 - run;
      return found;
    }
    if (npages < 64) {
      const uint32_t j = FirstRun(~x, npages);
      if (j < 64) {
        found.page = i * 64 + j;
        return found;
      }
    }
    run = std::countl_zero(x);
  }
  return found;
}

Summary Chunk::Summarize() const {
  uint32_t start = kChunkPages;  // until a taken page is seen
  uint32_t longest = 0, run = 0;
  for (uint32_t i = 0; i < kChunkWords; ++i) {
    const uint64_t x = taken.word(i);
    if (x == 0) {
      run += 64;
      continue;
    }
    run += std::countr_zero(x);
    if (start == kChunkPages) start = run;
    longest = std::max(longest, run);
    run = std::countl_zero(x);
  }
  longest = std::max(longest, run);
  // Runs that reach no end of a word: now that the others are known, few words have a longer one.
  for (uint32_t i = 0; i < kChunkWords && longest < 62; ++i) {
    longest = LongestRun(~taken.word(i), longest);
  }
  return Summary(start, longest, run);
}

Chunk::Candidate Chunk::ScavengeCandidate(uint32_t min, uint64_t max, uint32_t huge_pages) const {
  max = max == 0 ? min : max > kChunkPages ? kChunkPages : RoundUp(max, min);
  const auto unusable = [&](int i) { return FillGroups(taken.word(i) | scavenged.word(i), min); };
  int i = kChunkWords - 1;
  while (i >= 0 && unusable(i) == ~uint64_t{0}) --i;
  if (i < 0) return {};
  // The run ends in word i, and goes on downwards as long as words are empty.
  uint64_t x = unusable(i);
  const uint32_t above = std::countl_one(x);
  const uint32_t end = static_cast<uint32_t>(i) * 64 + 64 - above;
  x <<= above;
  uint32_t run = 64 - above;
  if (x != 0) {
    run = std::countl_zero(x);
  } else {
    for (int j = i - 1; j >= 0; --j) {
      const uint64_t y = unusable(j);
      run += std::countl_zero(y);
      if (y != 0) break;
    }
  }
  uint32_t count = static_cast<uint32_t>(std::min<uint64_t>(run, max));
  uint32_t start = end - count;
  if (huge_pages != 0 && RoundUp(start, huge_pages) <= end) {
    const uint32_t below = static_cast<uint32_t>(RoundDown(start, huge_pages));
    if (below >= end - run) {
      count += start - below;
      start = below;
    }
  }
  return {start, count};
}

}  // namespace heapsim::heap::go119
