// Packs requests of less than a huge page into huge pages (TCMalloc's HugePageFiller, as of the
// version that temeraire.h names).
//
// Which huge page, of those with a free range that is long enough (TryGet): first those that were
// never given back in part, then the tails of large objects (donated), then those of which a part
// was given back and a part was not (partially released), then those whose free pages are all given
// back (released). Among them the one whose longest free range is shortest, since long ones are
// worth keeping; then the one with more allocations, in eight steps of powers of two rounded up
// (IndexFor), since one with few will sooner be empty; then the one that was touched last. Within
// it the shortest range that fits, the lowest among equals (RangeTracker::FindAndMark).
//
// Which huge page is broken (ReleasePages): partially released ones, the one with the fewest used
// pages first, and where those are not enough the regular and the donated ones in the same order.
// Among equals the lowest here; there what a sort that is not stable leaves in front. All its free
// pages go, each stretch by a call of its own. A huge page that was broken may keep what is freed
// on it later (FillerPartialRerelease::Retain, the default).
#ifndef HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_
#define HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "heap/pages/recent_extremes.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

inline constexpr uint64_t kHugePages = (2 << 20) / kPageSize;  // heap pages in a huge page

class HugePageFiller {
 public:
  HugePageFiller(const ArenaLayout& layout, Clock* clock);

  // A huge page by number, and a page in it.
  struct Place {
    uint32_t huge = 0, page = 0;
    uint32_t longest = 0;  // free range of the huge page, once the place is taken
    bool found = false;
  };
  Place Find(uint32_t n) const;

  // A huge page joins, its first `n` pages taken by one allocation. donated: the tail is what a
  // large object left.
  void Contribute(uint32_t huge, uint32_t n, bool donated);
  // Takes `n` pages at a place just found, `released` of which had been given back.
  void Take(const Place& place, uint32_t n, uint32_t released);
  // Takes them back. True where nothing is left: then the huge page is not the filler's any more.
  bool Give(uint32_t huge, uint32_t page, uint32_t n);
  // Free pages of it were given back to the system.
  void NoteReleased(uint32_t huge, uint32_t n);

  // How many of `desired` pages may be given back where that means breaking huge pages, so that
  // what is mapped stays at the peak of demand in the last `interval_ns`
  // (GetDesiredSubreleasePages); 0: all of them.
  uint64_t SparePeak(uint64_t desired, int64_t interval_ns);
  // Huge pages worth breaking, in that order.
  enum class Worth { kPartiallyReleased, kUnbroken };
  std::vector<uint32_t> Candidates(Worth which) const;

  void ForEachFree(uint32_t huge, absl::FunctionRef<void(uint32_t page, uint32_t n)> visit) const;
  bool Has(uint32_t huge) const { return huge_[huge].list != kNoList; }
  uint32_t used(uint32_t huge) const { return huge_[huge].used; }
  uint32_t released(uint32_t huge) const { return huge_[huge].released; }
  // Throws kSelfCheck where a huge page is not as its bits say.
  void SelfCheck(uint32_t huge) const;

 private:
  enum List : uint8_t { kNoList, kRegular, kDonated, kPartial, kReleased };
  static constexpr uint32_t kLists = 5;
  static constexpr uint32_t kChunks = 8;
  static constexpr uint32_t kIndices = (kHugePages + 1) * kChunks;
  // Demand is remembered for 10 minutes, second by second.
  static constexpr int64_t kDemandWindow = 600'000'000'000;

  struct Huge {
    std::array<uint64_t, kHugePages / 64> taken;
    uint32_t next, prev;  // in its list, by number + 1; 0: none
    uint16_t longest;     // free range
    uint16_t used, allocs, released;
    uint16_t index;
    List list;
  };
  using Bits = std::array<uint64_t, kIndices / 64 + 1>;

  template <typename F>
  static void Walk(const Huge& h, F visit);
  void Mark(Huge& h, uint32_t page, uint32_t n, bool taken);
  void Link(uint32_t huge, List list);
  void Unlink(uint32_t huge);
  // The list where a huge page that is not donated belongs.
  static List ListOf(const Huge& h);
  static uint32_t IndexOf(const Huge& h);
  static uint32_t Longest(const Huge& h);
  void ReportDemand() { demand_.Report(clock_->Now(), used_); }

  Clock* clock_;
  VirtualArray<Huge> huge_;
  std::array<std::vector<uint32_t>, kLists> first_;  // of each index, number + 1
  std::array<Bits, kLists> nonempty_ = {};
  uint64_t size_ = 0;                 // huge pages
  uint64_t used_ = 0, released_ = 0;  // pages
  RecentExtremes<600> demand_{kDemandWindow};
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_HUGE_PAGE_FILLER_H_
