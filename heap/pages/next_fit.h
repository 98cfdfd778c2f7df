// Next fit: first fit that goes on where it last stopped (Knuth's roving pointer).
//
// The rover stands behind what was taken last. A search begins with the free run that it stands in,
// if any, goes upwards, and once round. What is taken is a run's front. All else is as in Go 1.10.
#ifndef HEAPSIM_HEAP_PAGES_NEXT_FIT_H_
#define HEAPSIM_HEAP_PAGES_NEXT_FIT_H_

#include <cstdint>

#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class NextFitPages final : public RunPages {
 public:
  explicit NextFitPages(const PageContext& context) : RunPages(context) {}

 private:
  uint64_t Choose(uint64_t n) override;
  void Taken(uint64_t first, uint64_t n) override { rover_ = first + n; }

  uint64_t rover_ = 0;  // page
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_NEXT_FIT_H_
