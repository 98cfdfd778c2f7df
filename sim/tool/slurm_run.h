// The cells of a comparison, run by the tasks of job arrays on a Slurm cluster.
#ifndef HEAPSIM_SIM_TOOL_SLURM_RUN_H_
#define HEAPSIM_SIM_TOOL_SLURM_RUN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/comparison.pb.h"
#include "sim/tool/compare_plan.h"

namespace heapsim::sim {

struct SlurmOptions {
  size_t cells_per_task = 0;         // 0: such that one array holds all
  int requeues = 3;                  // of a task that ended without its results
  std::vector<std::string> options;  // of sbatch
  // Whether nobody will come back to the cells, so that their folder goes in the end.
  bool temporary = false;
};

// As RunCells (compare_run.h), with the same cells but for their timing. The plan's cache is a
// folder that all machines see. Tasks that end without results are submitted again; what is still
// missing then says so in its status. Ctrl-C cancels the tasks. An error: nothing could be
// submitted.
absl::StatusOr<proto::Comparison> RunCellsOnSlurm(const ComparePlan& plan,
                                                  const SlurmOptions& options);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SLURM_RUN_H_
