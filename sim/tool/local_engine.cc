#include "sim/tool/local_engine.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <vector>

#include "sim/tool/cell_runner.h"
#include "sim/tool/cell_threads.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/version.h"

namespace heapsim::sim {
namespace {

// The longest traces first, so that no thread waits at the end for one that is decoded or replayed
// alone. What cannot be asked for its size (standard input) counts as long.
std::vector<size_t> LongestFirst(const std::vector<std::string>& traces) {
  std::vector<uintmax_t> sizes;
  for (const std::string& path : traces) {
    std::error_code error;
    sizes.push_back(std::filesystem::file_size(path, error));  // the largest number on an error
  }
  std::vector<size_t> order(traces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  return order;
}

}  // namespace

absl::StatusOr<proto::Comparison> LocalEngine::Run(const ComparePlan& plan,
                                                   CellProgress& progress) {
  const std::atomic<bool>& stop = CatchInterrupt();
  CellRunner runner(plan, traces_, stop);
  proto::Comparison comparison;
  std::vector<std::vector<size_t>> cells(plan.traces.size());
  const std::vector<size_t> order = LongestFirst(plan.traces);
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].resize(CellsOfTrace(plan));
    std::iota(cells[i].begin(), cells[i].end(), order[i] * CellsOfTrace(plan));
  }
  for (size_t cell = 0; cell < CellCount(plan); ++cell) comparison.add_cells();
  RunInThreads(cells, plan.jobs,
               {[&](size_t i) { runner.Prepare(order[i], cells[i]); },
                [&](size_t cell) {
                  bool reused = false;
                  *comparison.mutable_cells(static_cast<int>(cell)) = runner.Run(cell, &reused);
                  progress.CellDone(reused);
                },
                [&](size_t i) {
                  if (!plan.keep_traces) runner.Release(order[i]);
                }});
  comparison.set_version(kVersion);
  comparison.set_complete(!stop);
  return comparison;
}

}  // namespace heapsim::sim
