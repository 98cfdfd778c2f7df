// The size classes that a policy names or gives.
#ifndef HEAPSIM_SIM_POLICIES_SIZE_CLASS_TABLE_H_
#define HEAPSIM_SIM_POLICIES_SIZE_CLASS_TABLE_H_

#include "absl/status/statusor.h"
#include "heap/size_classes.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

// An error names the setting and says what would be accepted.
absl::StatusOr<heap::SizeClasses> SizeClassTable(const proto::Policy& policy);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_SIZE_CLASS_TABLE_H_
