#include "sim/tool/compare_run.h"

#include <atomic>
#include <numeric>
#include <vector>

#include "sim/tool/cell_progress.h"
#include "sim/tool/cell_runner.h"
#include "sim/tool/cell_threads.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/trace_input.h"
#include "sim/tool/version.h"

namespace heapsim::sim {

proto::Comparison RunCells(const ComparePlan& plan) {
  const std::atomic<bool>& stop = CatchInterrupt();
  CellRunner runner(plan, stop);
  proto::Comparison comparison;
  std::vector<std::vector<size_t>> cells(plan.traces.size());
  for (size_t trace = 0; trace < cells.size(); ++trace) {
    cells[trace].resize(CellsOfTrace(plan));
    std::iota(cells[trace].begin(), cells[trace].end(), trace * CellsOfTrace(plan));
  }
  for (size_t cell = 0; cell < CellCount(plan); ++cell) comparison.add_cells();
  {
    CellProgress progress(CellCount(plan));
    RunInThreads(cells, plan.jobs,
                 {[&](size_t trace) { runner.Prepare(trace, cells[trace]); },
                  [&](size_t cell) {
                    bool reused = false;
                    *comparison.mutable_cells(static_cast<int>(cell)) = runner.Run(cell, &reused);
                    progress.CellDone(reused);
                  },
                  [&](size_t trace) { runner.Release(trace); }});
  }
  for (const std::string& warning : runner.Warnings()) Warn(warning);
  comparison.set_version(kVersion);
  comparison.set_complete(!stop);
  return comparison;
}

}  // namespace heapsim::sim
