// Where the cells of a comparison run, or those of many comparisons in turn.
#ifndef HEAPSIM_SIM_TOOL_CELL_ENGINE_H_
#define HEAPSIM_SIM_TOOL_CELL_ENGINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/comparison.pb.h"
#include "sim/tool/cell_progress.h"
#include "sim/tool/compare_plan.h"

namespace heapsim::sim {

// Engines differ in nothing that a result shows but its timing.
class CellEngine {
 public:
  virtual ~CellEngine() = default;

  // The cells in the order of the plan, whose traces are among those that the engine was made for;
  // `summary` is not filled. A cell that fails says so in its status. Ctrl-C ends the rest early.
  // An error: no cell could be run at all.
  virtual absl::StatusOr<proto::Comparison> Run(const ComparePlan& plan,
                                                CellProgress& progress) = 0;

  // Nothing more will be run: tidies up. What there is to warn of.
  virtual std::vector<std::string> Finish() = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_ENGINE_H_
