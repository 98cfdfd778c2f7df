// Extents as in jemalloc 5.3.0 (2022-05-06), compared rule by rule with its src/pac.c, extent.c,
// eset.c, exp_grow.h and decay.c, whose names stand in brackets: free memory is a set of extents,
// each in one of three states, and moves from one to the next as it stays unused.
//
// - dirty: freed, as it was left; muzzy: given back lazily (MADV_FREE); retained: given back
//   (MADV_DONTNEED), or never used. A request looks at dirty, muzzy, retained, in that order
//   (pac_alloc_real).
// - In each it takes, of the oldest extents of each size class (four a doubling) from its own class
//   up, the oldest; of dirty ones none whose class is more than 64 times the request
//   (eset_first_fit, lg_extent_max_active_fit). The oldest is the one with the lowest serial
//   number, then the lowest address: here the lowest address, as the arena grows upwards only.
// - The rest of the extent keeps its state and counts as just used (extent_recycle_split).
// - An extent joins its neighbours of the same state, but not across the beginning of what was
//   asked of the system at once (extent_neighbor_head_state_mergeable). Dirty ones of less than 4
//   pages wait with it until they are about to be purged: then they join one neighbour, count as
//   just used, and the least recently used one is looked at again (extent_record, ecache_evict).
// - One that has 8 MiB when it was freed and joined is purged at once, unless one of the decay
//   times is -1 (extent_maximally_purge).
// - What may stay dirty (10 s) and muzzy (0: not at all) falls along a curve (smoothstep_decay.h);
//   the least recently used go first, whole, dirty ones to muzzy if there is such a thing, else to
//   retained (pac_decay_stashed).
// - Growth: from 2 MiB on each time the next size class (exp_grow). What is left of it is retained.
//
// When decay is looked at: there with about every thousandth fill or flush of a thread's cache
// or direct call (arena_decay_ticks, drawn by lot), and with each freed extent where the time is 0;
// here with every call for pages or return of them. Either way not while the program rests.
//
// Not modelled: several arenas (one serves all threads; so requests of 8 MiB have none of their
// own), the background thread, hpa and its small extent cache, growing an allocation in place, the
// page that is added to large sizes to vary addresses (cache_oblivious), guard pages, the memory of
// its own records. A page is 8 KiB, as in a build with --with-lg-page=13; most have 4.
#ifndef HEAPSIM_HEAP_PAGES_EXTENTS_H_
#define HEAPSIM_HEAP_PAGES_EXTENTS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "heap/pages/page_set.h"
#include "heap/pages/run_pages.h"
#include "heap/pages/smoothstep_decay.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

class ExtentPages final : public RunPages {
 public:
  explicit ExtentPages(const PageContext& context);

  // limit 0: all that is dirty or muzzy. Else what is dirty and unused for longer, and all muzzy.
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  // Dirty extents, the least recently used first, then the muzzy ones.
  Bytes Release(Bytes at_most) override;
  void SelfCheck() const override;

  enum State : uint8_t { kDirty, kMuzzy, kRetained };
  static constexpr int kStates = 3;
  // In order of address: visit(first, pages, state).
  void ForEachExtent(absl::FunctionRef<void(uint64_t, uint64_t, State)> visit) const;

  // Page size classes: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ... pages.
  static constexpr uint32_t kClasses = 100;
  static uint64_t ClassPages(uint32_t c);
  static uint32_t ClassAbove(uint64_t pages);  // the smallest that has as many
  static uint32_t ClassBelow(uint64_t pages);  // the largest that has not more

 private:
  struct Extent {
    uint32_t pages;
    State state;
    bool zeroed;
    int64_t since;  // when it got into its state
  };
  // Places in lists and tables: the first page and one, so that 0 is none.
  using Link = uint32_t;
  // An extent in its cache, at its first page; of no pages: none begins there.
  struct Kept {
    Extent extent;
    Link older, newer;  // those beside it in the order of use
  };
  struct Cache {
    std::vector<PageSet> bins;              // first pages, by class
    std::array<uint64_t, kClasses> lowest;  // of each bin
    std::array<uint64_t, 2> nonempty = {};  // a bit a bin
    Link oldest = 0, newest = 0;            // in the order of use
    uint64_t pages = 0;
  };

  uint64_t Choose(uint64_t n) override;
  Growth GrowthFor(uint64_t n) const override;
  void Taken(uint64_t first, uint64_t n) override;
  void Freed(uint64_t first, uint64_t n) override;
  void Grown(uint64_t first, uint64_t n) override;
  bool NeedsZero(uint64_t first, uint64_t n, bool run_says) override;

  uint64_t Fit(State state, uint64_t n) const;
  // As the one used last.
  void Insert(uint64_t first, const Extent& e);
  Extent Remove(uint64_t first);
  bool Begins(uint64_t first, State state) const {
    return kept_[first].extent.pages != 0 && kept_[first].extent.state == state;
  }
  // Joins what is in no cache with a neighbour of the same state, the upper one first. False: there
  // is none.
  bool JoinOne(uint64_t* first, Extent* e);
  void Coalesce(uint64_t* first, Extent* e);  // with all of them
  void Decay();
  // The least recently used extent of a state that has no neighbour to join, out of its cache.
  uint64_t Evict(State state, Extent* e);
  // Gives back what is in no cache; to: kMuzzy or kRetained.
  Bytes Purge(uint64_t first, Extent e, State to);

  std::array<Cache, kStates> caches_;
  VirtualArray<Kept> kept_;      // by first page
  VirtualArray<Link> ending_;    // by last page: the extent that ends there
  std::vector<uint64_t> heads_;  // first pages of what the arena gave, rising
  SmoothstepDecay dirty_, muzzy_;
  bool lazily_;           // purged extents become muzzy first
  uint32_t next_growth_;  // class
  bool zeroed_ = false;   // of what was taken last
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_EXTENTS_H_
