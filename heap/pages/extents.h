// Extents as in jemalloc 5.3 (its pac, ecache, eset and decay): free memory is a set of extents,
// each in one of three states, and moves from one to the next as it stays unused.
//
// dirty: freed, as it was left; muzzy: given back lazily (MADV_FREE); retained: given back
// (MADV_DONTNEED), or never used. A request looks at dirty, muzzy, retained, in that order. In each
// it takes, of the lowest extents of each size class (four a doubling) from its own class up, the
// lowest; of dirty ones none that is more than 64 times as large. The rest of the extent keeps its
// state. An extent joins its neighbours of the same state; a dirty one of one page only when it is
// about to be purged, and one that has 8 MiB then is purged at once. What may stay dirty (10 s) and
// muzzy (0: not at all) falls along jemalloc's curve; the least recently used go first, whole. As
// there, decay goes on when something is allocated or freed, not while the program rests.
//
// Growth: from 2 MiB on each time the next size class.
//
// Not modelled: several arenas (one serves all threads), the small extent cache (SEC), hpa, the
// ordering by serial number (that of addresses here, as the arena only grows upwards), ticks (decay
// is looked at with every call), a random delay of each step. A page is 8 KiB, not 4.
#ifndef HEAPSIM_HEAP_PAGES_EXTENTS_H_
#define HEAPSIM_HEAP_PAGES_EXTENTS_H_

#include <array>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "heap/pages/run_pages.h"
#include "heap/pages/smoothstep_decay.h"

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
    uint64_t pages;
    State state;
    bool zeroed;
    int64_t since;   // when it got into its state
    uint64_t place;  // in the order of use
  };
  using Map = absl::btree_map<uint64_t, Extent>;
  struct Cache {
    std::array<absl::btree_set<uint64_t>, kClasses> bins;  // first pages, by class
    std::array<uint64_t, 2> nonempty = {};                 // a bit a bin
    absl::btree_map<uint64_t, uint64_t> by_use;            // place -> first page
    uint64_t pages = 0;
  };

  uint64_t Choose(uint64_t n) override;
  Growth GrowthFor(uint64_t n) const override;
  void Taken(uint64_t first, uint64_t n) override;
  void Freed(uint64_t first, uint64_t n) override;
  void Grown(uint64_t first, uint64_t n) override;
  bool NeedsZero(uint64_t first, uint64_t n, bool run_says) override;

  uint64_t Fit(State state, uint64_t n) const;
  void Insert(uint64_t first, const Extent& e);
  Extent Remove(uint64_t first);
  // Joins what is in no cache with a neighbour of the same state, the upper one first; its place is
  // then the neighbour's. False: there is none.
  bool JoinOne(uint64_t* first, Extent* e);
  void Coalesce(uint64_t* first, Extent* e);  // with all of them
  void Decay();
  // The least recently used extent of a state, joined with its neighbours, out of its cache.
  uint64_t Evict(State state, Extent* e);
  // Gives back what is in no cache; to: kMuzzy or kRetained.
  Bytes Purge(uint64_t first, Extent e, State to);

  std::array<Cache, kStates> caches_;
  Map extents_;  // by first page
  SmoothstepDecay dirty_, muzzy_;
  bool lazily_;  // purged extents become muzzy first
  uint64_t places_ = 0;
  uint32_t next_growth_;  // class
  bool zeroed_ = false;   // of what was taken last
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_EXTENTS_H_
