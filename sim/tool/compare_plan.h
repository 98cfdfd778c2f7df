// What a comparison consists of, and the order of its cells.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_PLAN_H_
#define HEAPSIM_SIM_TOOL_COMPARE_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/comparison.pb.h"
#include "proto/policy.pb.h"
#include "sim/replay/detail_run.h"
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
  // The heap of each cell is looked at, where its policy has one: DetailOfCells. `open`
  // keeps call sites then.
  bool detail = false;
};

// What each of so many cells tells of its heap. All of it goes into one file, so the more cells
// there are, the less each one tells, in few steps: a finished cell is found again under what it
// tells.
inline DetailRequest DetailOfCells(size_t cells) {
  const bool few = cells <= 12;
  DetailRequest request;
  request.options.moments = {{Moment::Kind::kPeak, 0, "peak"}, {Moment::Kind::kEnd, 0, "end"}};
  request.samples = cells <= 6 ? 16 : few ? 8 : cells <= 48 ? 2 : 0;
  request.options.limits.map_cells = few ? 8192 : 2048;
  request.options.limits.sites = few ? 50 : 20;
  request.options.marks = few ? 1024 : 256;
  request.call_sites = 0;  // besides those that pin most at some moment
  return request;
}

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
