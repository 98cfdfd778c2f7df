// The radix tree of summaries over all chunks: five levels of arrays, an entry over eight of the
// next level. It answers where the lowest run of a length is without looking at the bits.
#ifndef HEAPSIM_HEAP_PAGES_GO119_SUMMARY_TREE_H_
#define HEAPSIM_HEAP_PAGES_GO119_SUMMARY_TREE_H_

#include <array>
#include <cstdint>

#include "heap/fatal.h"
#include "heap/pages/go119/layout.h"
#include "heap/pages/go119/summary.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap::go119 {

class SummaryTree {
 public:
  SummaryTree();

  Summary Entry(int level, uint64_t index) const { return levels_[level][index]; }
  Summary OfChunk(uint64_t chunk) const { return levels_[kLevels - 1][chunk]; }
  void SetChunk(uint64_t chunk, Summary s) { levels_[kLevels - 1][chunk] = s; }
  // Brings the levels above up to date with chunks [first, last].
  void Update(uint64_t first, uint64_t last);
  // The longest free run of all.
  uint32_t Longest() const;

  // Where a search from `search` on leads: to a run that begins at a known place, or into a chunk.
  struct Found {
    enum : uint8_t { kNothing, kRun, kChunk } what = kNothing;
    Address run;         // kRun: the run's start
    uint64_t chunk = 0;  // kChunk: it holds the run
    // The narrowest of the entries looked at with anything free in it, each within the one before.
    Address window_base, window_last;
  };
  Found Find(uint64_t npages, Address search) const;
  // Narrows the window of a search to [base, last] if that lies in it.
  static void Narrow(Found* found, Address base, Address last) {
    if (found->window_base <= base && last <= found->window_last) {
      found->window_base = base;
      found->window_last = last;
    } else if (found->window_base <= last && base <= found->window_last) {
      Throw(FatalCode::kSelfCheck, "range partially overlaps");
    }
  }

 private:
  std::array<VirtualArray<Summary>, kLevels> levels_;
  uint64_t end_ = 0;  // of entries of level 0 that were ever written
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_SUMMARY_TREE_H_
