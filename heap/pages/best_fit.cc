#include "heap/pages/best_fit.h"

namespace heapsim::heap {

uint64_t BestFitPages::Choose(uint64_t n) {
  if (n > UINT32_MAX) return kNoPage;
  const auto it = by_length_.lower_bound({static_cast<uint32_t>(n), 0});
  return it == by_length_.end() ? kNoPage : it->second;
}

void BestFitPages::RunCame(uint64_t first, uint64_t n) {
  by_length_.emplace(static_cast<uint32_t>(n), static_cast<uint32_t>(first));
}

void BestFitPages::RunGone(uint64_t first, uint64_t n) {
  by_length_.erase({static_cast<uint32_t>(n), static_cast<uint32_t>(first)});
}

}  // namespace heapsim::heap
