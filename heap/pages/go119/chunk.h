// Two bits for each of a chunk's 512 pages: taken, and scavenged (free, without memory behind it).
#ifndef HEAPSIM_HEAP_PAGES_GO119_CHUNK_H_
#define HEAPSIM_HEAP_PAGES_GO119_CHUNK_H_

#include <array>
#include <cstdint>

#include "heap/pages/go119/layout.h"
#include "heap/pages/go119/summary.h"

namespace heapsim::heap::go119 {

inline constexpr uint32_t kNoPage = UINT32_MAX;
inline constexpr uint32_t kChunkWords = kChunkPages / 64;

// 512 bits; bit i belongs to page i, lowest bit of word 0 first.
class PageBits {
 public:
  uint64_t word(uint32_t i) const { return words_[i]; }
  bool Get(uint32_t page) const { return words_[page / 64] >> (page % 64) & 1; }
  void SetRange(uint32_t page, uint32_t count);
  void ClearRange(uint32_t page, uint32_t count);
  void SetBits(uint32_t word, uint64_t bits) { words_[word] |= bits; }
  void ClearBits(uint32_t word, uint64_t bits) { words_[word] &= ~bits; }
  uint32_t CountRange(uint32_t page, uint32_t count) const;
  uint32_t Count() const { return CountRange(0, kChunkPages); }
  bool operator==(const PageBits&) const = default;

 private:
  std::array<uint64_t, kChunkWords> words_;
};

// All bits zero: every page free and not scavenged.
struct Chunk {
  PageBits taken;
  PageBits scavenged;

  // The first run of `npages` free pages, looked for from the word of page `from` on; kNoPage where
  // there is none. first_free: the first free page seen on the way.
  struct Found {
    uint32_t page = kNoPage;
    uint32_t first_free = kNoPage;
  };
  Found Find(uint32_t npages, uint32_t from) const;

  Summary Summarize() const;

  // The highest run of pages that are free and not scavenged, in aligned groups of `min` pages (a
  // power of two up to 64): its top `max` pages at most, 0 meaning `min`; more where a huge page
  // would be broken otherwise. huge_pages: heap pages in a huge page, 0 where there are none.
  struct Candidate {
    uint32_t page = 0;
    uint32_t count = 0;  // 0: there is none
  };
  Candidate ScavengeCandidate(uint32_t min, uint64_t max, uint32_t huge_pages) const;
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_CHUNK_H_
