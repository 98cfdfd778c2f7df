#include "heap/pages/worst_fit.h"

namespace heapsim::heap {

uint64_t WorstFitPages::Choose(uint64_t n) {
  if (runs().Longest() < n) return kNoPage;
  return FirstPage(runs().FirstFit(0, runs().Longest()));
}

}  // namespace heapsim::heap
