// Policies as the product of settings (proto/grid.proto).
#ifndef HEAPSIM_SIM_POLICIES_GRID_H_
#define HEAPSIM_SIM_POLICIES_GRID_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/grid.pb.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

// More policies than this are a mistake in the grid.
inline constexpr size_t kMaxGridPolicies = 10000;

struct Grid {
  // Each called by its base and what was set: "go1.10 procs=1 gc.percent=50". All can be run.
  std::vector<proto::Policy> policies;
  std::vector<proto::SearchRange> search;  // not checked
  // The file says nothing of policies: they are the default, which other policies may replace.
  bool is_default = false;
};

// A grid in text form. Errors name `source` and the field, and say what would be accepted.
absl::StatusOr<Grid> ParseGrid(absl::string_view source, absl::string_view text);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_GRID_H_
