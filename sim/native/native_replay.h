// One trace through a real allocator: its calls are made in a process of their own, one after the
// other in the order recorded, and what that process holds is measured.
//
// Reading order: wire.h, child_main.cc (the process), child.h (its other end), this.
#ifndef HEAPSIM_SIM_NATIVE_NATIVE_REPLAY_H_
#define HEAPSIM_SIM_NATIVE_NATIVE_REPLAY_H_

#include "absl/status/statusor.h"
#include "proto/policy.pb.h"
#include "sim/replay/replay.h"

namespace heapsim::sim {

// As RunReplay, for a policy of which IsNative (allocators.h). An error: the library is not there,
// or the trace is wrong; a process that dies on the way is an outcome with `fatal` set.
absl::StatusOr<ReplayOutcome> RunNativeReplay(BlockSource& source, const proto::Policy& policy,
                                              const ReplayOptions& options);

// Through whatever the policy names.
absl::StatusOr<ReplayOutcome> RunAnyReplay(BlockSource& source, const proto::Policy& policy,
                                           const ReplayOptions& options);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_NATIVE_NATIVE_REPLAY_H_
