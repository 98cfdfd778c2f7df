#include "heap/pages/first_fit.h"

namespace heapsim::heap {

uint64_t FirstFitPages::Choose(uint64_t n) {
  const SpanId run = runs().FirstFit(0, n);
  return run == kNoSpan ? kNoPage : FirstPage(run);
}

}  // namespace heapsim::heap
