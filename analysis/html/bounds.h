// Policies that are no allocator but a bound that none can reach (`ideal`). They are shown beside
// the others and are nothing to choose.
#ifndef HEAPSIM_ANALYSIS_HTML_BOUNDS_H_
#define HEAPSIM_ANALYSIS_HTML_BOUNDS_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/comparison.pb.h"

namespace heapsim::analysis {

bool IsBound(const proto::Comparison& comparison, absl::string_view policy);

// The policies on the Pareto front of those that are allocators: a bound would beat all of them.
// That of a comparison without bounds is the one in its summary.
std::set<std::string> FrontOfAllocators(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_BOUNDS_H_
