// Worst fit: the longest free run, the lowest address among equals.
//
// The idea is that what is left of a long run stays useful. A textbook rule, of no system that is
// known to us; all else is as in Go 1.10.
#ifndef HEAPSIM_HEAP_PAGES_WORST_FIT_H_
#define HEAPSIM_HEAP_PAGES_WORST_FIT_H_

#include <cstdint>

#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class WorstFitPages final : public RunPages {
 public:
  explicit WorstFitPages(const PageContext& context) : RunPages(context) {}

 private:
  uint64_t Choose(uint64_t n) override;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_WORST_FIT_H_
