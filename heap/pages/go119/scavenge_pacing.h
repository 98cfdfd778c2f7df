// How much memory the heap may retain, and how long the background scavenger rests between its
// steps (the runtime's mgcscavenge.go).
#ifndef HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_PACING_H_
#define HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_PACING_H_

#include <cstdint>

#include "heap/units.h"

namespace heapsim::heap::go119 {

inline constexpr uint64_t kNoGoal = UINT64_MAX;
inline constexpr uint64_t kBackgroundQuantum = 64 << 10;  // bytes of one background scavenge

struct ScavengeGoals {
  uint64_t gc_percent = 0;    // retained bytes, kNoGoal: nothing to do
  uint64_t memory_limit = 0;  // mapped bytes, kNoGoal: nothing to do
};

// After a collection: a tenth more than the heap in use at its end, scaled by how much larger the
// next one may become. mapped and retained: bytes now.
ScavengeGoals PaceScavenger(uint64_t heap_goal, uint64_t last_heap_goal, uint64_t memory_limit,
                            uint64_t last_heap_in_use, uint64_t mapped, uint64_t retained,
                            Bytes os_page);

// Whether the background scavenger has something to do.
inline bool ShouldScavenge(const ScavengeGoals& goals, uint64_t retained, uint64_t mapped) {
  return retained > goals.gc_percent || mapped > goals.memory_limit;
}

// A PI controller that keeps the background scavenger at 1 % of the processors' time.
class ScavengeSleep {
 public:
  // How long to sleep after `worked` ns of work.
  int64_t SleepAfter(double worked) const;
  // It slept for `slept` ns. What became of the controller:
  enum class State : uint8_t { kOk, kCooling, kReset };
  State Slept(double worked, int64_t slept, uint64_t procs);

  double ratio() const { return ratio_; }         // of work to sleep
  int64_t cooldown() const { return cooldown_; }  // ns in which the ratio stays as it is

 private:
  double ratio_ = 0.001;
  double integral_ = 0;
  int64_t cooldown_ = 0;
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_PACING_H_
