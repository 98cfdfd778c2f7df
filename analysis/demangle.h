// Names of C++ functions as people write them.
#ifndef HEAPSIM_ANALYSIS_DEMANGLE_H_
#define HEAPSIM_ANALYSIS_DEMANGLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace heapsim::analysis {

// "_ZNSt6vectorIiSaIiEE9push_backERKi" as "std::vector<>::push_back()": without the arguments of
// templates and functions. A name that is not mangled, or that means nothing, stays as it is.
//
// Names come from traces, so from anywhere: the time and the length of the answer are bounded,
// whatever the name refers back to.
std::string DemangledName(absl::string_view name);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_DEMANGLE_H_
