// Names for the call sites of a result.
#ifndef HEAPSIM_SIM_TOOL_CALL_FRAMES_H_
#define HEAPSIM_SIM_TOOL_CALL_FRAMES_H_

#include "proto/snapshot.pb.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

// Fills the frames of `detail`'s call sites from a trace that was read with its call sites kept.
// Where it has none, the sizes that stand in for them are named.
void NameFrames(const traces::TraceReader& reader, proto::Detail* detail);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CALL_FRAMES_H_
