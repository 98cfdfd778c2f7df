// Which samples of a series a page shows when there are too many.
#ifndef HEAPSIM_ANALYSIS_HTML_THINNING_H_
#define HEAPSIM_ANALYSIS_HTML_THINNING_H_

#include <cstddef>
#include <vector>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// What one page holds over all its runs: some 30 MB of it.
inline constexpr size_t kPageSamples = 1'000'000;

// Indices of at most `limit` (12 or more) samples, ascending; all where they fit. The first, the
// last, and the highest and lowest RSS and the highest live bytes of each stretch stay, so that a
// curve drawn from them reaches as far as the whole one.
std::vector<int> ThinnedSamples(const proto::Result& result, size_t limit);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_THINNING_H_
