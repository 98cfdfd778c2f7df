// What a comparison consists of, and the order of its cells.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_PLAN_H_
#define HEAPSIM_SIM_TOOL_COMPARE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/comparison.pb.h"
#include "proto/policy.pb.h"
#include "sim/replay/replay.h"
#include "sim/tool/cell_cache.h"
#include "traces/open_trace.h"

namespace heapsim::sim {

struct ComparePlan {
  std::vector<std::string> traces;
  traces::OpenOptions open;
  std::vector<proto::Policy> policies;  // distinct names
  std::vector<uint64_t> seeds;
  ReplayOptions options;  // but for the seed
  int jobs = 1;
  std::optional<CellCache> cache;
  // The series are most of a result: without them a comparison of any size stays small.
  bool keep_series = true;
  // Decoded traces stay in memory, as far as there is some, for the engine's next plan.
  bool keep_traces = false;
};

// Cells are numbered by trace, policy and seed, the seed changing fastest.
struct CellPlace {
  size_t trace, policy, seed;
};

inline size_t CellsOfTrace(const ComparePlan& plan) {
  return plan.policies.size() * plan.seeds.size();
}

inline size_t CellCount(const ComparePlan& plan) { return plan.traces.size() * CellsOfTrace(plan); }

inline CellPlace PlaceOf(const ComparePlan& plan, size_t cell) {
  return {cell / CellsOfTrace(plan), cell % CellsOfTrace(plan) / plan.seeds.size(),
          cell % plan.seeds.size()};
}

// The cell with its names, and nothing yet of what came out.
inline proto::Cell NamedCell(const ComparePlan& plan, size_t index) {
  const CellPlace place = PlaceOf(plan, index);
  proto::Cell cell;
  cell.set_trace(plan.traces[place.trace]);
  cell.set_policy(plan.policies[place.policy].name());
  cell.set_seed(plan.seeds[place.seed]);
  return cell;
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMPARE_PLAN_H_
