// The free runs by address: a treap whose nodes know the longest run below them, and whether any
// run there may have something to give back.
//
// That makes the lowest run that is long enough from some place on, the run that holds a page, and
// the highest run with pages to give back questions of one way down.
#ifndef HEAPSIM_HEAP_PAGES_RUN_TREE_H_
#define HEAPSIM_HEAP_PAGES_RUN_TREE_H_

#include <cstdint>

#include "heap/seams.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

// Runs are named by their span records, places by pages from the arena's start.
class RunTree {
 public:
  explicit RunTree(const ArenaLayout& layout)
      : nodes_(((layout.end - layout.start).v >> kPageShift) + 3) {}

  // The run must not overlap one that is there.
  void Insert(SpanId run, uint64_t first, uint64_t pages, bool loose);
  void Erase(SpanId run);
  // A run that is there became longer or shorter, without passing another.
  void Change(SpanId run, uint64_t first, uint64_t pages);
  // Whether the run may have pages to give back.
  void SetLoose(SpanId run, bool loose);

  // The lowest run of at least `pages` that starts at or above `from`; kNoSpan: there is none.
  SpanId FirstFit(uint64_t from, uint64_t pages) const { return FirstFit(root_, from, pages); }
  // The run that holds a page; kNoSpan: it is not free.
  SpanId Holding(uint64_t page) const;
  // The highest run that may have pages to give back; kNoSpan: there is none.
  SpanId HighestLoose() const;
  uint64_t Longest() const { return root_ == kNoSpan ? 0 : nodes_[root_].longest; }
  bool loose(SpanId run) const { return nodes_[run].loose; }

  // In order of address: visit(run, first, pages).
  template <typename Visit>
  void Walk(Visit visit) const {
    Walk(root_, visit);
  }

  // Throws kSelfCheck where a node and what is below it disagree.
  void SelfCheck() const;

 private:
  struct Node {
    SpanId left, right;
    uint32_t first, pages;
    uint32_t longest;  // of the subtree
    uint32_t priority;
    bool loose, any_loose;  // the run, any of the subtree
  };

  template <typename Visit>
  void Walk(SpanId n, Visit& visit) const {
    if (n == kNoSpan) return;
    Walk(nodes_[n].left, visit);
    visit(n, uint64_t{nodes_[n].first}, uint64_t{nodes_[n].pages});
    Walk(nodes_[n].right, visit);
  }
  SpanId FirstFit(SpanId n, uint64_t from, uint64_t pages) const;
  bool Update(SpanId n);
  SpanId Insert(SpanId at, SpanId run);
  void Split(SpanId n, uint32_t first, SpanId* below, SpanId* above);
  SpanId Merge(SpanId below, SpanId above);
  SpanId Erase(SpanId at, SpanId run);
  // Updates from a run up to the root, as far as something changes.
  bool Refresh(SpanId at, SpanId run);

  VirtualArray<Node> nodes_;  // by span
  SpanId root_ = kNoSpan;
  uint64_t inserted_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_RUN_TREE_H_
