// What no single setting can say: which settings go together.
#ifndef HEAPSIM_SIM_POLICIES_COMBINATIONS_H_
#define HEAPSIM_SIM_POLICIES_COMBINATIONS_H_

#include "absl/status/status.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

// An error names the settings that cannot be together, and what would be accepted. That each value
// is in its range is CheckSettings' business.
absl::Status CheckCombination(const proto::Policy& policy);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_COMBINATIONS_H_
