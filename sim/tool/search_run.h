// The search for better values of settings, over the traces of a comparison.
#ifndef HEAPSIM_SIM_TOOL_SEARCH_RUN_H_
#define HEAPSIM_SIM_TOOL_SEARCH_RUN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/comparison.pb.h"
#include "sim/policies/search_space.h"
#include "sim/tool/cell_engine.h"
#include "sim/tool/compare_plan.h"

namespace heapsim::sim {

struct SearchOptions {
  size_t evaluations = 0;  // 0: no search
  uint64_t seed = 1;
  std::string metric;                    // what shall be less, as a metric of a result
  double cost_weight = 0;                // the objective is metric ratio * cost ratio ^ weight
  std::optional<double> max_cost_ratio;  // to the first policy's
  double hold_back = 1.0 / 3;            // share of the traces that the search does not see
};

// Which traces are held back: `share` of them, at least one and not all, drawn by `seed`.
std::vector<bool> DrawHeldBack(size_t traces, double share, uint64_t seed);

// Varies the first policy of the plan over `space`. The comparison has the cells of all traces for
// that policy, the best one found and the plan's others, and has `search` set. An error: the traces
// are too few, the first policy itself cannot be compared on any of them, or the engine cannot run
// cells.
absl::StatusOr<proto::Comparison> RunSearch(const ComparePlan& plan, const SearchSpace& space,
                                            const SearchOptions& options, CellEngine& engine);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SEARCH_RUN_H_
