// The cells of a comparison, run by the tasks of job arrays on a Slurm cluster.
#ifndef HEAPSIM_SIM_TOOL_SLURM_RUN_H_
#define HEAPSIM_SIM_TOOL_SLURM_RUN_H_

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/tool/cell_engine.h"
#include "sim/tool/slurm.h"
#include "sim/tool/trace_set.h"

namespace heapsim::sim {

struct SlurmOptions {
  size_t cells_per_task = 0;         // 0: such that one array holds all
  int requeues = 3;                  // of a task that ended without its results
  std::vector<std::string> options;  // of sbatch
  // Whether nobody will come back to the cells, so that their folder goes in the end.
  bool temporary = false;
};

// Each plan is a job array, or several where it has more cells than one may have tasks. The plan's
// cache is a folder that all machines see. Tasks that end without results are submitted again; what
// is still missing then says so in its status. Ctrl-C cancels the tasks. An error: nothing could be
// submitted.
class SlurmEngine : public CellEngine {
 public:
  // `all` has the traces and the cache of every plan to come. Fails where a command of Slurm is
  // missing.
  static absl::StatusOr<std::unique_ptr<SlurmEngine>> Create(const ComparePlan& all,
                                                             const SlurmOptions& options);

  absl::StatusOr<proto::Comparison> Run(const ComparePlan& plan, CellProgress& progress) override;

  // Warnings of the tasks, and where finished cells are kept.
  std::vector<std::string> Finish() override;

 private:
  SlurmEngine(const ComparePlan& all, const SlurmOptions& options, Slurm slurm)
      : options_(options),
        slurm_(std::move(slurm)),
        array_size_(slurm_.MaxArraySize()),
        cells_folder_(all.cache->folder()),
        traces_(all.traces, all.open) {}

  const SlurmOptions options_;
  const Slurm slurm_;
  const size_t array_size_;
  const std::string cells_folder_;
  TraceSet traces_;
  std::set<std::string> warnings_;
  bool any_done_ = false;
  bool all_done_ = true;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SLURM_RUN_H_
