// What somebody may have meant by a name that does not exist.
#ifndef HEAPSIM_SIM_POLICIES_NEAREST_NAMES_H_
#define HEAPSIM_SIM_POLICIES_NEAREST_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace heapsim::sim {

// Up to three of `known` that are closest to `name` by edit distance, joined by ", ". All of them,
// in their order, when there are no more than six or none is close.
std::string NearestNames(absl::string_view name, absl::Span<const std::string> known);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_NEAREST_NAMES_H_
