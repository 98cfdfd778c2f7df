// A replay with snapshots of the heap.
//
// It takes two runs, which are alike to the last bit: the first one, at full speed, finds the peak
// and the end; the second one stops at the moments asked for. So nothing has to be kept in case it
// turns out to have been the peak, and a replay without snapshots pays nothing. Then the
// trace is read once more for its history, which needs no heap: neither takes memory while the
// other does.
#ifndef HEAPSIM_SIM_REPLAY_DETAIL_RUN_H_
#define HEAPSIM_SIM_REPLAY_DETAIL_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "proto/policy.pb.h"
#include "sim/replay/moment.h"
#include "sim/replay/replay.h"

namespace heapsim::sim {

struct DetailRequest {
  // The moments that are wanted; of a peak the run finds the value itself.
  DetailOptions options;
  uint32_t samples = 0;       // snapshots at equal distances of events besides
  uint32_t call_sites = 100;  // that are described, by each measure
};

// The trace's events from the start; called once a run.
using OpenBlocks = std::function<absl::StatusOr<std::unique_ptr<BlockSource>>()>;

// InvalidArgument where a moment lies beyond the run's end.
absl::StatusOr<ReplayOutcome> RunReplayWithDetail(const OpenBlocks& open,
                                                  const proto::Policy& policy,
                                                  const ReplayOptions& options,
                                                  const DetailRequest& request);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_DETAIL_RUN_H_
