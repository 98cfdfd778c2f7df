// The free runs by address: the length of each stands at its first page, and above every eight
// places the longest of them, and so on up to one number; sets of pages say where runs begin, and
// which may have something to give back.
//
// That makes the lowest run that is long enough from some place on, the run that holds a page, and
// the highest run with pages to give back questions of one way down. A change goes up only as far
// as it changes what is longest, which is seldom far.
#ifndef HEAPSIM_HEAP_PAGES_RUN_TREE_H_
#define HEAPSIM_HEAP_PAGES_RUN_TREE_H_

#include <array>
#include <cstdint>

#include "heap/pages/page_set.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

// Runs are named by their span records, places by pages from the arena's start.
class RunTree {
 public:
  explicit RunTree(const ArenaLayout& layout);

  // The run must not overlap one that is there.
  void Insert(SpanId run, uint64_t first, uint64_t pages, bool loose);
  void Erase(SpanId run);
  // A run that is there became longer or shorter, without passing another.
  void Change(SpanId run, uint64_t first, uint64_t pages);
  // Whether the run may have pages to give back.
  void SetLoose(SpanId run, bool loose);

  // The lowest run of at least `pages` that starts at or above `from`; kNoSpan: there is none.
  SpanId FirstFit(uint64_t from, uint64_t pages) const;
  // The run that holds a page; kNoSpan: it is not free.
  SpanId Holding(uint64_t page) const;
  // The highest run that may have pages to give back; kNoSpan: there is none.
  SpanId HighestLoose() const;
  uint64_t Longest() const { return longest_[begin_[kTop]]; }
  bool loose(SpanId run) const { return loose_.Contains(first_[run]); }

  // In order of address: visit(run, first, pages).
  template <typename Visit>
  void Walk(Visit visit) const {
    for (uint64_t first = starts_.First(); first != PageSet::kNone;
         first = starts_.AtOrAbove(first + 1)) {
      visit(run_[first], first, uint64_t{longest_[begin_[0] + first]});
    }
  }

  // Throws kSelfCheck where a number and what is below it disagree.
  void SelfCheck() const;

 private:
  static constexpr uint32_t kWidthLog = 3;
  static constexpr uint64_t kWidth = 1 << kWidthLog;  // places below a place
  static constexpr int kTop = 9;                      // the level of one place
  using Places = std::array<uint64_t, kTop + 2>;      // where levels begin; the end

  static Places Begins(uint64_t pages);
  uint64_t PlacesOf(int level) const {
    return begin_[level == 0 ? kTop + 1 : level - 1] - begin_[level];
  }
  RunTree(uint64_t pages, const Places& begin);

  // Of eight places side by side.
  uint32_t LongestOf(int level, uint64_t block) const;
  // The run that begins at a page has this length now; 0: none begins there.
  void Set(uint64_t first, uint32_t pages);
  // The first place from `i` to the end of its eight that has at least `pages`; the end: none.
  uint64_t InBlock(int level, uint64_t i, uint64_t pages) const;

  Places begin_;
  VirtualArray<uint32_t> longest_;  // all levels
  VirtualArray<SpanId> run_;        // by first page
  VirtualArray<uint32_t> first_;    // by run
  PageSet starts_, loose_;          // first pages
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_RUN_TREE_H_
