// How far a run has come, for somebody who watches a terminal.
#ifndef HEAPSIM_SIM_TOOL_PROGRESS_H_
#define HEAPSIM_SIM_TOOL_PROGRESS_H_

#include <chrono>
#include <cstdint>

namespace heapsim::sim {

// A line on stderr that is rewritten while the run goes on and wiped at its end. Nothing is printed
// where stderr is no terminal, nor for runs of less than half a second.
class Progress {
 public:
  // `total` 0: unknown.
  explicit Progress(uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void Update(uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  const bool shown_;
  const uint64_t total_;
  const Clock::time_point start_;
  Clock::time_point next_;
  bool printed_ = false;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_PROGRESS_H_
