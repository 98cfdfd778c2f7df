#include "heap/pages/next_fit.h"

namespace heapsim::heap {

uint64_t NextFitPages::Choose(uint64_t n) {
  const SpanId here = runs().Holding(rover_);
  if (here != kNoSpan && PagesOf(here) >= n) return FirstPage(here);
  SpanId run = runs().FirstFit(rover_, n);
  if (run == kNoSpan) run = runs().FirstFit(0, n);
  return run == kNoSpan ? kNoPage : FirstPage(run);
}

}  // namespace heapsim::heap
