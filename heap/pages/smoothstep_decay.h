// How many unused pages may still be kept, as time goes by (src/decay.c of jemalloc 5.3.0): all
// that came a moment ago, none that is older than the decay time, and on the way down a smooth
// curve.
//
// The decay time is cut into 200 steps (SMOOTHSTEP_NSTEPS). Pages that became unused in a step
// count by the share that the curve (6x^5 - 15x^4 + 10x^3, rounded down to 24-bit fractions:
// smoothstep.h has the same 200 numbers) leaves to its age (decay_backlog_npages_limit). When steps
// have ended, what is there beyond what was there, or might have been, at the last such moment
// counts as new (decay_backlog_update, nunpurged). jemalloc lets each step end a random bit late,
// so that arenas do not purge at once; there is one here, and it does not.
#ifndef HEAPSIM_HEAP_PAGES_SMOOTHSTEP_DECAY_H_
#define HEAPSIM_HEAP_PAGES_SMOOTHSTEP_DECAY_H_

#include <array>
#include <cstdint>

namespace heapsim::heap {

class SmoothstepDecay {
 public:
  static constexpr uint32_t kSteps = 200;

  // decay_ns: 0: nothing is kept, -1: everything is.
  SmoothstepDecay(int64_t decay_ns, int64_t now);

  // Goes on to `now`, with `unused` pages at hand. How many of them may stay; the caller purges the
  // rest. ~0 where no step has ended.
  uint64_t Advance(int64_t now, uint64_t unused);
  bool never() const { return decay_ns_ < 0; }

  // The share that is left to what came `age` steps ago, of 2^24; age < kSteps.
  static uint64_t Share(uint32_t age);

 private:
  int64_t decay_ns_;
  int64_t step_;  // ns
  int64_t step_began_;
  uint64_t kept_ = 0;                       // unused pages that are not new in the next step
  std::array<uint64_t, kSteps> came_ = {};  // by age: pages that became unused in that step
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_SMOOTHSTEP_DECAY_H_
