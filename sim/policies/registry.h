// Policies by name, and from files.
#ifndef HEAPSIM_SIM_POLICIES_REGISTRY_H_
#define HEAPSIM_SIM_POLICIES_REGISTRY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

// The policies that the binary brings along, by name. `name` is set in each.
const std::vector<proto::Policy>& NamedPolicies();

// The policy `name_or_file`: a named one, else the text file (proto::Policy) of that path. A file's
// policy is called by its `name` field or, without one, by the file's base name. Values are
// checked. An error is one line that says where and what to do.
absl::StatusOr<proto::Policy> LoadPolicy(absl::string_view name_or_file);

// A policy from text; `source` is named in errors, together with line and column.
absl::StatusOr<proto::Policy> ParsePolicy(absl::string_view source, absl::string_view text);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_REGISTRY_H_
