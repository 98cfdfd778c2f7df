// What page allocators that think in free runs have in common: everything but the choice.
//
// Free pages are kept as maximal runs, by address. A policy says where a request goes (Choose) and
// hears of what comes free; here pages are taken out of runs and joined again, the system is asked
// for more and given back what is free, and the books are kept: span records, page table,
// heap_idle, heap_released, needzero, which pages are released. A policy with an order of its own
// for giving back says so (Release, Scavenge). A file a policy stands beside this one; README.md
// has the recipe.
#ifndef HEAPSIM_HEAP_PAGES_RUN_PAGES_H_
#define HEAPSIM_HEAP_PAGES_RUN_PAGES_H_

#include <cstdint>
#include <vector>

#include "heap/pages/page_allocator.h"
#include "heap/pages/released_pages.h"
#include "heap/pages/run_tree.h"

namespace heapsim::heap {

// How a system that thinks in runs differs from Go 1.10 in what is not choice.
struct RunRules {
  // A free run has a span descriptor in simulated memory. Else what is kept about it here is the
  // simulator's own.
  bool descriptors = true;
  // What growth brings counts as given back until it is taken.
  bool fresh_released = false;
  // The advice about huge pages that goes with giving back and taking, as in Go's runtime.
  bool huge_advice = true;
  // With OS pages larger than the heap's: what is taken makes whole OS pages unreleased.
  bool whole_os_pages = true;
};

class RunPages : public PageAllocator {
 public:
  PageRun Allocate(Pages npages) override;
  void Free(SpanId span, bool account_inuse, FreeCause cause) override;
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  Bytes Release(Bytes at_most) override;
  Bytes FreeUnreleased() const override {
    return Bytes(c_.stats->heap_idle - c_.stats->heap_released);
  }
  // In order of address.
  void ForEachFree(absl::FunctionRef<void(const FreeRun&)> visit) const override;
  Pages LargestFree() const override { return Pages(runs_.Longest()); }
  void SelfCheck() const override;

  bool IsReleased(uint64_t page) const { return released_.Count(page, 1) != 0; }

 protected:
  // Pages are counted from the arena's start.
  static constexpr uint64_t kNoPage = ~uint64_t{0};

  explicit RunPages(const PageContext& context, const RunRules& rules = {});

  // --- What a policy says ---

  // The first of `n` free pages to be taken; kNoPage where the heap must grow.
  virtual uint64_t Choose(uint64_t n) = 0;
  // What to ask the arena for when nothing fits, in pages: `ask`, and if that is refused `less`,
  // which is enough for `n`. By itself as Go 1.10: 64 KiB units, at least the policy's chunk. ask
  // 0: the policy grows in Choose (GrowBy), and there was no room for `less`.
  struct Growth {
    uint64_t ask, less;
  };
  virtual Growth GrowthFor(uint64_t n) const;

  // --- What a policy hears, for structures of its own ---

  // A maximal free run came into being, or is no more (one that changes goes and comes).
  virtual void RunCame(uint64_t /*first*/, uint64_t /*n*/) {}
  virtual void RunGone(uint64_t /*first*/, uint64_t /*n*/) {}
  // These pages were taken, came free, or are fresh from the arena and free.
  virtual void Taken(uint64_t /*first*/, uint64_t /*n*/) {}
  virtual void Freed(uint64_t /*first*/, uint64_t /*n*/) {}
  virtual void Grown(uint64_t /*first*/, uint64_t /*n*/) {}
  // Whether the pages being taken must be cleared before they read as zero, as far as the runs say.
  virtual bool NeedsZero(uint64_t /*first*/, uint64_t /*n*/, bool run_says) { return run_says; }

  // --- What a policy works with ---

  struct Range {
    uint64_t first = 0, n = 0;
  };

  // Gives these free pages of one run back, those that are not yet; returns the bytes newly given
  // back. They must be whole OS pages.
  Bytes GiveBack(uint64_t first, uint64_t n, Advice advice = Advice::kDontNeed);
  // The same for pages that the policy has told the system about itself.
  Bytes NoteReleased(uint64_t first, uint64_t n);
  // Free pages of one run that were given back count as there again, though nobody took them.
  void NoteBacked(uint64_t first, uint64_t n);
  // The whole OS pages of runs with something to give back that are unused for longer than `limit`
  // at `now`.
  std::vector<Range> IdleFor(uint64_t now, uint64_t limit) const;
  // [first, first + n) without what is not whole OS pages.
  Range WholeOsPages(uint64_t first, uint64_t n) const;
  // More pages from the arena; false where it has not that many.
  bool GrowBy(uint64_t n);
  // Pages that the arena gave are the allocator's.
  void AddFresh(uint64_t first, uint64_t n);

  const RunTree& runs() const { return runs_; }
  const ReleasedPages& released() const { return released_; }
  uint64_t FirstPage(SpanId run) const { return spans_.PageIndex(spans_[run].address()); }
  uint64_t PagesOf(SpanId run) const { return spans_[run].npages; }
  Address At(uint64_t page) const { return start_ + Pages(page).bytes(); }
  // Of the arena as far as it was asked for.
  uint64_t end_page() const { return (c_.arena->used() - start_).v >> kPageShift; }
  uint64_t os_pages() const { return unit_; }  // heap pages in an OS page, at least 1
  const PageContext& context() const { return c_; }

 private:
  SpanId NewRun(uint64_t first, uint64_t n);
  void DeleteRun(SpanId run);
  void SetEnds(SpanId run);
  // Makes [first, first + n) free, joined with what is free beside it. `span`: its descriptor,
  // kNoSpan: none.
  SpanId Join(uint64_t first, uint64_t n, SpanId span, uint64_t npreleased, bool needzero,
              int64_t unusedsince);
  SpanId FreeAt(uint64_t page) const;  // the run that has it as its first or last page

  PageContext c_;
  SpanTable& spans_;
  const RunRules rules_;
  const Address start_;
  const uint64_t unit_;
  RunTree runs_;
  ReleasedPages released_;
  bool grew_ = false;  // during the allocation at hand
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_RUN_PAGES_H_
