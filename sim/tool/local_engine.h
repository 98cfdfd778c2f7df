// The cells of a comparison, run on the threads of this machine.
#ifndef HEAPSIM_SIM_TOOL_LOCAL_ENGINE_H_
#define HEAPSIM_SIM_TOOL_LOCAL_ENGINE_H_

#include <string>
#include <vector>

#include "sim/tool/cell_engine.h"
#include "sim/tool/trace_set.h"

namespace heapsim::sim {

class LocalEngine : public CellEngine {
 public:
  // `all` has the traces of every plan to come.
  explicit LocalEngine(const ComparePlan& all) : traces_(all.traces, all.open) {}

  absl::StatusOr<proto::Comparison> Run(const ComparePlan& plan, CellProgress& progress) override;

  // What there is to say about the traces.
  std::vector<std::string> Finish() override { return traces_.Warnings(); }

 private:
  TraceSet traces_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_LOCAL_ENGINE_H_
