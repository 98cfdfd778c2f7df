// The figures of a trace that `heapsim info` prints, and the counting of them.
#ifndef HEAPSIM_TRACES_FACTS_H_
#define HEAPSIM_TRACES_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"

namespace heapsim::traces {

// Of the trace as recorded, of one process. Bytes are requested bytes.
struct TraceFacts {
  uint64_t events = 0;
  // Calls by kind. `malloc` has C++ new in it, `memalign` every aligned form, `free` all frees of a
  // non-null pointer.
  uint64_t malloc = 0;
  uint64_t calloc = 0;
  uint64_t memalign = 0;
  uint64_t realloc = 0;
  uint64_t free = 0;
  uint64_t free_null = 0;
  uint64_t free_unknown = 0;           // of `free`: the address was not live
  uint64_t alloc_of_live_address = 0;  // the old block was dropped first
  std::optional<uint64_t> distinct_threads;
  uint64_t total_requested_bytes = 0;  // of allocations and reallocs that succeeded
  uint64_t max_request = 0;
  uint64_t peak_live_bytes = 0;
  uint64_t peak_at_event = 0;  // the first event that reaches it, from 1; 0: nothing ever lived
  uint64_t peak_live_blocks = 0;
  uint64_t live_at_end_bytes = 0;
  uint64_t live_at_end_blocks = 0;
  std::optional<uint64_t> duration_ns;  // from the first event to the last
  std::string format;                   // the recording's format, an importer's name
  bool complete = true;                 // false: part of the recording is missing
  std::optional<uint64_t> recorded_peak_rss_bytes;

  friend bool operator==(const TraceFacts&, const TraceFacts&) = default;
};

proto::TraceFacts ToProto(const TraceFacts& facts);
TraceFacts FromProto(const proto::TraceFacts& message);

// Counts the facts of a stream of events on objects. Sums that exceed 64 bits stay at the largest
// value.
class FactsCounter {
 public:
  // A call of `kind` came, with all that it does: the calls below belong to it.
  void CountEvent(EventKind kind);
  // A failed call is an event of its kind only; do not call the others for it.

  void Drop(uint32_t dropped);  // an allocation of a live address; before Alloc or Resize
  void Alloc(uint32_t id, uint64_t size);
  void Resize(uint32_t id, uint64_t size);
  void Free(uint32_t id);
  // The event is over: peaks are taken.
  void EndEvent() {
    if (live_bytes_ > peak_bytes_) {
      peak_bytes_ = live_bytes_;
      facts_.peak_at_event = facts_.events;
    }
  }

  uint64_t SizeOf(uint32_t id) const { return sizes_[id]; }
  uint64_t live_blocks() const { return live_blocks_; }

  // The counts so far, with the fields that are counted here filled in.
  TraceFacts Facts() const;

 private:
  void SetSize(uint32_t id, uint64_t size);
  void Request(uint64_t size);

  TraceFacts facts_;
  std::vector<uint64_t> sizes_;  // by object id
  uint64_t live_blocks_ = 0;
  absl::uint128 live_bytes_ = 0;
  absl::uint128 peak_bytes_ = 0;
  absl::uint128 requested_ = 0;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FACTS_H_
