// How many cells of a comparison are done, for somebody who watches a terminal.
#ifndef HEAPSIM_SIM_TOOL_CELL_PROGRESS_H_
#define HEAPSIM_SIM_TOOL_CELL_PROGRESS_H_

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace heapsim::sim {

// "[=====     ] 120 of 480 cells, 95 s left": what is written after `done` of `total`, of which
// `reused` took no time, in `seconds`.
std::string CellProgressText(size_t done, size_t reused, size_t total, double seconds);

// The line on stderr, rewritten as cells are done and wiped at the end; none where stderr is no
// terminal. May be called from any thread.
class CellProgress {
 public:
  explicit CellProgress(size_t total);
  CellProgress(const CellProgress&) = delete;
  CellProgress& operator=(const CellProgress&) = delete;
  ~CellProgress();

  // `reused`: it was not run, a kept result was found.
  void CellDone(bool reused);

 private:
  using Clock = std::chrono::steady_clock;

  const size_t total_;
  const bool shown_;
  const Clock::time_point start_;
  std::mutex mutex_;
  Clock::time_point next_;
  size_t done_ = 0;
  size_t reused_ = 0;
  bool printed_ = false;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_PROGRESS_H_
