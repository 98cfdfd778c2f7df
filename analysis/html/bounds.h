// Policies that are no allocator but a bound that none can reach (`ideal`). They are shown beside
// the others and are nothing to choose.
#ifndef HEAPSIM_ANALYSIS_HTML_BOUNDS_H_
#define HEAPSIM_ANALYSIS_HTML_BOUNDS_H_

#include "absl/strings/string_view.h"
#include "proto/comparison.pb.h"

namespace heapsim::analysis {

bool IsBound(const proto::Comparison& comparison, absl::string_view policy);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_BOUNDS_H_
