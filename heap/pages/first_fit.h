// Address-ordered first fit: the lowest free run that is long enough.
//
// The classic whose fragmentation is hard to beat (Wilson, Johnstone, Neely, Boles 1995), and what
// Go's page allocator became in 1.14. All else is as in Go 1.10.
#ifndef HEAPSIM_HEAP_PAGES_FIRST_FIT_H_
#define HEAPSIM_HEAP_PAGES_FIRST_FIT_H_

#include <cstdint>

#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class FirstFitPages final : public RunPages {
 public:
  explicit FirstFitPages(const PageContext& context) : RunPages(context) {}

 private:
  uint64_t Choose(uint64_t n) override;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_FIRST_FIT_H_
