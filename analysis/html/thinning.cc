#include "analysis/html/thinning.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace heapsim::analysis {

std::vector<int> ThinnedSamples(const proto::Result& result, size_t limit) {
  const auto& series = result.series();
  const auto count = static_cast<size_t>(series.size());
  if (count <= limit) {
    std::vector<int> all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  // Three a stretch, and the two ends.
  const size_t stretches = (limit - 2) / 3;
  std::vector<int> kept = {0};
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = static_cast<int>(uint64_t{i} * count / stretches);
    const auto end = static_cast<int>(uint64_t{i + 1} * count / stretches);
    int high = begin, low = begin, live = begin;
    for (int at = begin; at < end; ++at) {
      if (series[at].rss_bytes() > series[high].rss_bytes()) high = at;
      if (series[at].rss_bytes() < series[low].rss_bytes()) low = at;
      if (series[at].live_bytes() > series[live].live_bytes()) live = at;
    }
    kept.insert(kept.end(), {high, low, live});
  }
  kept.push_back(static_cast<int>(count - 1));
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

}  // namespace heapsim::analysis
