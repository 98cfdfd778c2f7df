// The ideal: live bytes perfectly compacted into pages, at every moment. No allocator can need
// less, so every policy is measured against it.
#ifndef HEAPSIM_SIM_REPLAY_IDEAL_H_
#define HEAPSIM_SIM_REPLAY_IDEAL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "heap/virtual_array.h"
#include "proto/policy.pb.h"
#include "sim/replay/meter.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"

namespace heapsim::sim {

class IdealEngine {
 public:
  IdealEngine(const proto::Policy& policy, const ReplayOptions& options);

  void ExpectEvents(uint64_t events) { series_.Expect(events); }
  absl::Status Run(const traces::EventBlock& block);
  void Settle();
  void Fill(ReplayOutcome* outcome);
  bool out_of_memory() const { return false; }

 private:
  absl::Status Change(uint32_t id, bool alive, uint64_t size, uint64_t event);
  Sample Snapshot() const;
  void EndStep(uint64_t time);

  const uint64_t page_;
  const ReplayOptions options_;
  heap::VirtualArray<uint64_t> sizes_;  // requested bytes + 1 by id, 0: not alive
  Integrals integrals_;
  Series series_;
  uint64_t event_ = 0, now_ = 0, measured_at_ = 0;
  uint64_t live_ = 0, rss_ = 0;
  uint64_t shown_live_ = 0;  // at the end of the last step
  uint64_t peak_rss_ = 0;    // the peak of live bytes is at the same step or later
  Sample peak_;
  uint64_t peak_live_ = 0, rss_at_peak_live_ = 0;
  uint64_t clamped_ = 0;
  uint64_t recorded_peak_rss_ = 0;
  bool recorded_rss_ = false, saw_time_ = false;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_IDEAL_H_
