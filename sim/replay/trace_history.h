// What can be said of a trace's call sites and of its objects' lives without any allocator.
#ifndef HEAPSIM_SIM_REPLAY_TRACE_HISTORY_H_
#define HEAPSIM_SIM_REPLAY_TRACE_HISTORY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "heap/virtual_array.h"
#include "proto/snapshot.pb.h"
#include "traces/event_block.h"

namespace heapsim::sim {

// 12 bytes an object id, 16 where the trace has times; 200 a call site that allocates; 16 for each
// stretch of 4.3 s in which something is allocated.
class TraceHistory {
 public:
  // Of a trace of `events` events. time_by_events: 1,000 ns an event, whatever it says.
  TraceHistory(uint64_t events, bool time_by_events);

  // To be called with every block, in order. What frees nobody's object does nothing: that is the
  // replay's to complain about.
  void Add(const traces::EventBlock& block);

  // Lifetimes, and the call sites that a snapshot of `detail` names, with the `largest` by their
  // peak of live bytes and the `largest` by what they never free.
  void Finish(uint32_t largest, proto::Detail* detail) const;

 private:
  static constexpr size_t kSteps = 16;
  struct Site {
    uint32_t id = 0;
    uint64_t allocations = 0, allocated = 0, live = 0, peak = 0, peak_event = 0;  // bytes
    std::array<uint64_t, kSteps + 1> by_step = {};
  };
  struct Bucket {
    uint64_t objects = 0, bytes = 0;
  };
  using Buckets = std::array<Bucket, 65>;  // by bit width

  void Begin(uint32_t id, uint32_t site, uint64_t size);
  void End(uint32_t id);
  bool lives(uint32_t id) const { return born_[id] != 0; }
  uint64_t BornNs(uint32_t id) const;
  uint64_t SizeOf(uint32_t id) const;
  void ReachSteps(uint64_t event);

  const uint64_t events_;
  const bool time_by_events_;
  bool has_sites_ = false, has_time_ = false;
  // By object: the event of its birth, 40 bits, above its size, 24 bits; where the trace has times,
  // nanoseconds of its birth's since the last of `bases_` before; the site.
  heap::VirtualArray<uint64_t> born_;
  heap::VirtualArray<uint32_t> born_after_, site_of_;
  // The first birth with a time, then each that is too late for 32 bits; in order.
  struct TimeBase {
    uint64_t event, ns;
  };
  std::vector<TimeBase> bases_;
  absl::flat_hash_map<uint32_t, uint64_t> wide_;  // sizes that do not fit; only looked up
  heap::VirtualArray<uint32_t> index_;            // by site: index + 1
  std::vector<Site> sites_;                       // in order of first use
  uint64_t event_ = 0, now_ = 0;
  size_t step_ = 0;
  Buckets by_events_ = {}, by_ns_ = {};
  Bucket unfreed_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_TRACE_HISTORY_H_
