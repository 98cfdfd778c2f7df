// Looks at the engine at the moments asked for, and notes what happens in between.
#ifndef HEAPSIM_SIM_REPLAY_RECORDER_H_
#define HEAPSIM_SIM_REPLAY_RECORDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "heap/virtual_array.h"
#include "proto/snapshot.pb.h"
#include "sim/replay/marks.h"
#include "sim/replay/moment.h"
#include "traces/event_block.h"

namespace heapsim::sim {

class Recorder {
 public:
  explicit Recorder(const DetailOptions& options);

  // --- Which object comes from where ---

  // The next `allocs` allocations of the block are done; to be told in order, 4 bytes an object.
  void Allocated(const traces::EventBlock& block, uint32_t allocs);
  uint64_t object_ids() const { return object_ids_; }
  const uint32_t* sites() const { return has_sites_ ? sites_.data() : nullptr; }

  // --- Moments ---

  static constexpr uint64_t kNever = ~uint64_t{0};
  // The first event, and the first time, that somebody still waits for.
  uint64_t next_event() const;
  uint64_t next_time() const;
  bool awaits_peak(uint64_t rss) const {
    return peaks_ < peak_.size() && peak_[peaks_].value == rss;
  }

  using Look = std::function<proto::HeapSnapshot(const SnapshotLimits&)>;
  // Event `event` is done: whoever waited for it gets a snapshot.
  void AtEvent(uint64_t event, uint64_t time_ns, const Look& look);
  void AtTime(uint64_t event, uint64_t time_ns, const Look& look);
  void AtPeak(uint64_t rss, uint64_t event, uint64_t time_ns, const Look& look);
  // The run is over. Whoever waits for a later time gets nothing.
  void AtEnd(uint64_t event, uint64_t time_ns, const Look& look);

  // --- What happens ---

  Marks& marks() { return marks_; }
  // A mark phase or a sweep that has begun, until it is known how long it took.
  struct Phase {
    bool open = false;
    uint64_t event = 0, time_ns = 0, value = 0;
  };
  Phase gc, sweep;
  // The heap has by now given back `total` bytes by itself; what is new is marked as of the time
  // since this was last told.
  void GivenBack(uint64_t total, uint64_t event, uint64_t time_ns);
  // The same for what has a mark of its own.
  void GivenBackElsewhere(uint64_t total) { given_back_ = total; }

  void Finish(proto::Detail* detail);

 private:
  void Take(const Moment& moment, uint64_t event, uint64_t time_ns, const Look& look);

  const DetailOptions options_;
  // By kind; those waiting for an event or a time, rising.
  std::vector<Moment> event_, time_, peak_, end_;
  size_t events_ = 0, times_ = 0, peaks_ = 0;  // of them, done
  heap::VirtualArray<uint32_t> sites_;
  bool has_sites_ = false;
  uint64_t object_ids_ = 0;
  uint32_t told_ = 0;        // allocations of `told_block_`
  uint64_t told_block_ = 0;  // its first event
  Marks marks_;
  uint64_t given_back_ = 0;                        // bytes that have marks
  uint64_t told_at_event_ = 0, told_at_time_ = 0;  // of GivenBack
  proto::Detail detail_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_RECORDER_H_
