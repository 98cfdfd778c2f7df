// A trace event by event, for what changes traces; a replay reads blocks.
#ifndef HEAPSIM_TRACES_TRANSFORM_EVENT_CURSOR_H_
#define HEAPSIM_TRACES_TRANSFORM_EVENT_CURSOR_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "traces/event_block.h"
#include "traces/format/trace_reader.h"

namespace heapsim::traces {

struct Event {
  uint64_t number = 0;  // from 1
  EventKind kind = EventKind::kMalloc;
  // The event takes a free: of `object`, or of nothing where that is kNoObject. Else it allocates
  // `object`.
  bool frees = false;
  bool failed = false;
  uint32_t object = kNoObject;
  uint32_t dropped = kNoObject;  // is freed first
  uint64_t size = 0;
  uint64_t alignment = 0;
  // Optional columns; the flags say which the trace has.
  uint64_t time_ns = 0;
  uint32_t thread = 0;
  uint32_t call_site = 0;
  bool scan = false;
  uint32_t weight = 1;
  bool has_time = false, has_thread = false, has_call_site = false, has_scan = false,
       has_weight = false;

  // A realloc that leaves a live object of another size.
  bool resizes() const {
    return frees && kind == EventKind::kRealloc && !failed && object != kNoObject;
  }
};

class EventCursor {
 public:
  // The reader outlives the cursor and is read by it alone.
  explicit EventCursor(TraceReader* reader) : reader_(*reader) {}

  // The next event; false at the end. Errors are the reader's.
  absl::StatusOr<bool> Next(Event* event);

  // The markers that stand before the event last given out; after the end, those behind the last.
  const std::vector<Marker>& markers() const { return markers_; }

 private:
  TraceReader& reader_;
  EventBlock block_;
  uint32_t at_ = 0;  // the next event of block_
  uint32_t free_ = 0, alloc_ = 0;
  size_t exception_ = 0, marker_ = 0;
  std::vector<Marker> markers_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_TRANSFORM_EVENT_CURSOR_H_
