// The cells of a comparison in files: what the tasks of a cluster read and leave.
#ifndef HEAPSIM_SIM_TOOL_CELL_WORK_H_
#define HEAPSIM_SIM_TOOL_CELL_WORK_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/cell_work.pb.h"
#include "proto/comparison.pb.h"
#include "sim/tool/compare_plan.h"

namespace heapsim::sim {

// The plan, which must have a cache, as a message.
absl::StatusOr<proto::CellWork> ToWork(const ComparePlan& plan, size_t cells_per_task);

// Back. Fails where another build of the program wrote it.
absl::StatusOr<ComparePlan> FromWork(const proto::CellWork& work);

// A folder of one comparison on a cluster: the work, the tasks' script and output, and of those
// cells that failed, which the cache does not keep, what they say.
class WorkFolder {
 public:
  // Makes it where there is none; `*existed` tells. Its name follows from the work, so that the
  // same call comes back to it.
  static absl::StatusOr<WorkFolder> Create(const proto::CellWork& work, bool* existed);
  // The folder that holds the work file `path`.
  static WorkFolder Of(const std::string& path);

  const std::string& path() const { return path_; }
  // Names the comparison among all that run.
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }
  std::string work_file() const { return path_ + "/work"; }
  std::string log_folder() const { return path_ + "/log"; }

  absl::StatusOr<proto::CellWork> Read() const;

  absl::Status StoreFailed(size_t cell, const proto::Cell& what) const;
  std::optional<proto::Cell> FindFailed(size_t cell) const;
  // What an earlier run found may be gone by now.
  void ForgetFailed() const;

  absl::Status StoreWarnings(size_t task, const std::vector<std::string>& warnings) const;
  // Each once.
  std::vector<std::string> Warnings() const;

  void Remove() const;

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// Runs the cells of a task; what comes of them is in the cache or in the work's folder.
absl::Status RunTask(const std::string& work_file, size_t task);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_WORK_H_
