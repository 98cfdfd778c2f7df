// The cells of a comparison, run on the threads of this machine.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_RUN_H_
#define HEAPSIM_SIM_TOOL_COMPARE_RUN_H_

#include "proto/comparison.pb.h"
#include "sim/tool/compare_plan.h"

namespace heapsim::sim {

// The cells in the order of the plan, whatever the number of threads; `summary` is not filled. A
// cell that fails says so in its status. Ctrl-C ends the rest early. Warnings of the traces go to
// stderr.
proto::Comparison RunCells(const ComparePlan& plan);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMPARE_RUN_H_
