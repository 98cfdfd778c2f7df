// Pages that a P owns: the free ones of an aligned block of 64.
#ifndef HEAPSIM_HEAP_PAGES_GO119_PAGE_CACHE_H_
#define HEAPSIM_HEAP_PAGES_GO119_PAGE_CACHE_H_

#include <bit>
#include <cstdint>

#include "heap/pages/go119/layout.h"
#include "heap/units.h"

namespace heapsim::heap::go119 {

struct PageCache {
  Address base;
  uint64_t free = 0;       // bit i: page i of the block is the cache's
  uint64_t scavenged = 0;  // of the same pages

  bool empty() const { return free == 0; }

  struct Taken {
    Address base;  // null: no run is long enough
    uint32_t scavenged = 0;
  };
  // The first run of `npages` < 64.
  Taken Take(uint32_t npages) {
    uint64_t starts = free;
    for (uint32_t have = 1; have < npages && starts != 0;) {
      const uint32_t step = have < npages - have ? have : npages - have;
      starts &= starts >> step;
      have += step;
    }
    if (starts == 0) return {};
    const int first = std::countr_zero(starts);
    const uint64_t mask = ((uint64_t{1} << npages) - 1) << first;
    const Taken taken{base + Pages(static_cast<uint64_t>(first)).bytes(),
                      static_cast<uint32_t>(std::popcount(scavenged & mask))};
    free &= ~mask;
    scavenged &= ~mask;
    return taken;
  }
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_PAGE_CACHE_H_
