// What replays assume where a recording is silent, in words, for the result's `assumptions`.
#ifndef HEAPSIM_SIM_REPLAY_ASSUMPTIONS_H_
#define HEAPSIM_SIM_REPLAY_ASSUMPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace heapsim::sim {

// About time, for whatever stands behind the replay. by_events: as ReplayOptions::time_by_events;
// recorded: the trace has times; clamped: events that were older than the one before.
inline void AssumeTime(bool by_events, bool recorded, uint64_t clamped,
                       std::vector<std::string>* assumptions) {
  if (by_events || !recorded) {
    assumptions->push_back(
        recorded ? "time: 1,000 ns an event, as asked; the recorded times are not used"
                 : "time: 1,000 ns an event; the trace has none");
  }
  if (clamped != 0) {
    assumptions->push_back(absl::StrCat(
        "time: ", clamped, " events are older than the one before; they were given its time"));
  }
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_ASSUMPTIONS_H_
