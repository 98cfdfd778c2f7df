// The cells of a comparison, one at a time: what every engine of `compare` does in the end.
#ifndef HEAPSIM_SIM_TOOL_CELL_RUNNER_H_
#define HEAPSIM_SIM_TOOL_CELL_RUNNER_H_

#include <atomic>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/comparison.pb.h"
#include "sim/tool/compare_plan.h"
#include "sim/tool/trace_set.h"

namespace heapsim::sim {

// All members may be called from any thread.
class CellRunner {
 public:
  // All must outlive this; `traces` has those of the plan. `stop` ends the cell that runs, and all
  // later ones at once.
  CellRunner(const ComparePlan& plan, TraceSet& traces, const std::atomic<bool>& stop);

  // The name by which the cache keeps a cell. Reads the whole trace where nobody asked for its hash
  // before.
  absl::StatusOr<std::string> Key(size_t cell);

  // Decodes a trace, unless the cache has all of `cells`, which are those of it that will be run.
  // Not needed, but later calls wait for it, while they may have something better to do.
  void Prepare(size_t trace, absl::Span<const size_t> cells);

  // The cell as the cache has it; `*found`: whether it does.
  proto::Cell Find(size_t cell, bool* found);

  // The cell with status and result; a cell that fails says why in its status. `*reused`: the cache
  // had it.
  proto::Cell Run(size_t cell, bool* reused);

  // The decoded trace is not needed any more.
  void Release(size_t trace);

 private:
  ReplayOptions OptionsOf(size_t cell) const;
  // Whether the heap of the cell is looked at: plan_.detail, and there is a heap.
  bool LooksAt(size_t cell) const;
  std::optional<proto::Result> Kept(size_t cell, const std::string& key) const;
  absl::StatusOr<proto::Result> Replay(size_t cell, bool* reused);
  proto::Cell Finished(size_t cell, absl::StatusOr<proto::Result> result) const;

  const ComparePlan& plan_;
  TraceSet& traces_;
  const std::atomic<bool>& stop_;
  const DetailRequest detail_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_RUNNER_H_
