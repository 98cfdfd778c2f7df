// What the replayer hands over, as the message that is written and printed.
#ifndef HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_
#define HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_

#include "proto/result.pb.h"
#include "sim/replay/replay.h"

namespace heapsim::sim {

// Fills what follows from the run alone: `trace`, `policy`, `seed` and `version` are the caller's.
proto::Result ToMessage(const ReplayOutcome& outcome);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_
