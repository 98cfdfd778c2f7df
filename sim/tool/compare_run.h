// The cells of a comparison, run on several threads.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_RUN_H_
#define HEAPSIM_SIM_TOOL_COMPARE_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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
};

// The cells by trace, policy and seed in the order of the plan, whatever the number of threads;
// `summary` is not filled. A cell that fails says so in its status. Ctrl-C ends the rest early.
// Warnings of the traces go to stderr.
proto::Comparison RunCells(const ComparePlan& plan);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMPARE_RUN_H_
