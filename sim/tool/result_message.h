// What the replayer hands over, as the message that is written and printed.
#ifndef HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_
#define HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/result.pb.h"
#include "sim/replay/replay.h"
#include "traces/facts.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

// Fills what follows from the run alone: `trace`, `policy`, `seed` and `version` are the caller's.
proto::Result ToMessage(const ReplayOutcome& outcome);

// The whole result. `facts` may be null: the run ended before they were known.
proto::Result ToResult(const ReplayOutcome& outcome, const proto::Policy& policy, uint64_t seed,
                       const traces::TraceFacts* facts);

// An error where a replay of the trace would mean nothing.
absl::Status CheckReplayable(const traces::TraceReader& reader, absl::string_view path);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_RESULT_MESSAGE_H_
