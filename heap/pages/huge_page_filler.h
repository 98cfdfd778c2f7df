// Packs requests of less than a huge page into huge pages (TCMalloc's HugePageFiller).
//
// Which huge page: of those with a free range that is long enough, first those that were never
// given back in part, then the tails of large objects (donated), then those given back in part.
// Among them the one whose longest free range is shortest, since long ones are worth keeping; then
// the one with more allocations (by powers of two), since one with few will sooner be empty; then
// the one that was touched last. Within it the shortest range that fits, the lowest among equals.
#ifndef HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_
#define HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

inline constexpr uint64_t kHugePages = (2 << 20) / kPageSize;  // heap pages in a huge page

class HugePageFiller {
 public:
  explicit HugePageFiller(const ArenaLayout& layout);

  // A huge page by number, and a page in it.
  struct Place {
    uint32_t huge = 0, page = 0;
    bool found = false;
  };
  Place Find(uint32_t n) const;

  // A huge page joins, its first `n` pages taken by one allocation. donated: the tail is what a
  // large object left.
  void Contribute(uint32_t huge, uint32_t n, bool donated);
  // Takes free pages of one of its huge pages, `released` of which had been given back.
  void Take(uint32_t huge, uint32_t page, uint32_t n, uint32_t released);
  // Takes them back. True where nothing is left: then the huge page is not the filler's any more.
  bool Give(uint32_t huge, uint32_t page, uint32_t n);
  // Free pages of it were given back to the system.
  void NoteReleased(uint32_t huge, uint32_t n);
  // Huge pages with free pages that were not given back, the emptiest first: those worth breaking.
  // Donated ones are left alone until something small is put on them. The next one after `after`,
  // null: the first; false: there is none.
  using Candidate = std::pair<uint16_t, uint32_t>;  // used pages, number
  bool NextCandidate(const Candidate* after, Candidate* next) const;

  void ForEachFree(uint32_t huge, absl::FunctionRef<void(uint32_t page, uint32_t n)> visit) const;
  bool Has(uint32_t huge) const { return huge_[huge].list != kNoList; }
  bool donated(uint32_t huge) const { return huge_[huge].list == kDonated; }
  uint32_t used(uint32_t huge) const { return huge_[huge].used; }
  uint32_t released(uint32_t huge) const { return huge_[huge].released; }
  // Throws kSelfCheck where a huge page is not as its bits say.
  void SelfCheck(uint32_t huge) const;

 private:
  enum List : uint8_t { kNoList, kRegular, kDonated, kReleased };
  static constexpr uint32_t kLists = 4;
  static constexpr uint32_t kChunks = 8;
  static constexpr uint32_t kIndices = (kHugePages + 1) * kChunks;
  struct Huge {
    std::array<uint64_t, kHugePages / 64> taken;
    uint32_t next, prev;  // in its list, by number + 1; 0: none
    uint16_t longest;     // free range
    uint16_t used, allocs, released;
    uint16_t index;
    List list;
    bool donated;
  };

  void Mark(Huge& h, uint32_t page, uint32_t n, bool taken);
  // Brings its longest range and its place in the lists up to date.
  void File(uint32_t huge);
  void Unfile(uint32_t huge);
  uint32_t Longest(const Huge& h) const;
  static uint32_t IndexOf(const Huge& h);

  VirtualArray<Huge> huge_;
  std::array<std::vector<uint32_t>, kLists> first_;  // of each index, number + 1
  std::array<std::array<uint64_t, kIndices / 64 + 1>, kLists> nonempty_ = {};
  absl::btree_set<Candidate> candidates_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_
