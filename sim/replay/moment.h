// A moment of a run at which somebody wants to look at the heap.
#ifndef HEAPSIM_SIM_REPLAY_MOMENT_H_
#define HEAPSIM_SIM_REPLAY_MOMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/replay/snapshot.h"

namespace heapsim::sim {

struct Moment {
  enum class Kind : uint8_t {
    kEvent,  // right after event `value`; 0: before the first
    kTime,   // simulated nanoseconds: what is due by then is done
    kPeak,   // the step at which RSS first was `value`, larger than ever before
    kEnd,    // after the last step
  };
  Kind kind = Kind::kEnd;
  uint64_t value = 0;
  std::string label;  // of the snapshot
};

// What a run is to tell beyond its numbers. Events are then done one at a time, which has the same
// result, slower.
struct DetailOptions {
  std::vector<Moment> moments;  // in any order
  SnapshotLimits limits;
  uint32_t marks = 4096;  // of a kind, at most
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_MOMENT_H_
