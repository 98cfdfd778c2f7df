// The commands of a Slurm cluster, as far as job arrays go.
#ifndef HEAPSIM_SIM_TOOL_SLURM_H_
#define HEAPSIM_SIM_TOOL_SLURM_H_

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace heapsim::sim {

struct ArrayJob {
  std::string name;
  std::set<size_t> tasks;            // indices of the array
  std::vector<std::string> options;  // further ones of sbatch
  std::string output;                // a file name with %A and %a for job and task
  std::vector<std::string> command;  // a script and its arguments
};

struct QueuedTask {
  std::string job_name;
  std::string id;  // "12_3": what scancel takes
  size_t task;     // index of the array
  bool running;
  // It waits for an administrator, and would for ever.
  bool held;
};

// "0-4,7,9-11".
std::string TaskRanges(const std::set<size_t>& tasks);

// What `squeue` printed in the format that Queue asks for. Lines of other forms are left out.
std::vector<QueuedTask> ParseQueue(const std::string& text);

// An error of any of these is Unavailable where the controller may answer when it is asked again.
class Slurm {
 public:
  // Fails where a command is missing.
  static absl::StatusOr<Slurm> Find();

  // One more than the largest index of an array.
  size_t MaxArraySize() const;

  // The job's number.
  absl::StatusOr<std::string> Submit(const ArrayJob& job) const;

  // The tasks of jobs of these names that wait, run or are just ending.
  absl::StatusOr<std::vector<QueuedTask>> Queue(const std::vector<std::string>& names) const;

  absl::Status CancelTasks(const std::vector<std::string>& ids) const;
  absl::Status CancelJobs(const std::vector<std::string>& names) const;

 private:
  Slurm() = default;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SLURM_H_
