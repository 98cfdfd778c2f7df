// The order in which threads take the cells of a comparison.
#ifndef HEAPSIM_SIM_TOOL_CELL_THREADS_H_
#define HEAPSIM_SIM_TOOL_CELL_THREADS_H_

#include <cstddef>
#include <functional>
#include <vector>

namespace heapsim::sim {

// What is done with a trace and its cells. Called from several threads, for different traces and
// cells at the same time.
struct CellActions {
  std::function<void(size_t trace)> prepare;  // once, before its first cell
  std::function<void(size_t cell)> run;
  std::function<void(size_t trace)> release;  // once, after its last cell
};

// Does all cells, `cells[t]` being those of trace t, on `jobs` threads, and returns when they are
// done. Traces are taken in order; a thread that finds its trace being prepared begins with the
// next one instead of waiting, so that no more than `jobs` are prepared and not yet released.
void RunInThreads(const std::vector<std::vector<size_t>>& cells, int jobs,
                  const CellActions& actions);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_THREADS_H_
