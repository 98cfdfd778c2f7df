#include "traces/transform/event_cursor.h"

namespace heapsim::traces {

absl::StatusOr<bool> EventCursor::Next(Event* event) {
  markers_.clear();
  if (at_ == block_.count) {
    // Markers behind the last event of a block stand before the first of the next.
    for (; marker_ < block_.markers.size(); ++marker_) markers_.push_back(block_.markers[marker_]);
    absl::StatusOr<bool> more = reader_.Next(&block_);
    if (!more.ok() || !*more) return more;
    at_ = free_ = alloc_ = 0;
    exception_ = marker_ = 0;
  }
  for (; marker_ < block_.markers.size() && block_.markers[marker_].position <= at_; ++marker_) {
    markers_.push_back(block_.markers[marker_]);
  }
  *event = Event();
  event->number = block_.first_event + at_;
  event->frees = block_.IsFree(at_);
  if (event->frees) {
    event->kind = EventKind::kFree;
    event->object = block_.free_object[free_++];
  } else {
    event->object = block_.alloc_object[alloc_];
    event->size = block_.alloc_size[alloc_];
    event->has_call_site = !block_.call_site.empty();
    if (event->has_call_site) event->call_site = block_.call_site[alloc_];
    event->has_scan = !block_.scan.empty();
    if (event->has_scan) event->scan = (block_.scan[alloc_ / 64] >> (alloc_ % 64)) & 1;
    ++alloc_;
  }
  if (exception_ < block_.exceptions.size() && block_.exceptions[exception_].position == at_) {
    const Exception& e = block_.exceptions[exception_++];
    event->kind = e.kind;
    event->failed = e.failed;
    event->dropped = e.dropped_object;
    event->size = e.size;
    event->alignment = e.alignment;
  }
  event->has_time = !block_.time_ns.empty();
  if (event->has_time) event->time_ns = block_.time_ns[at_];
  event->has_thread = !block_.thread.empty();
  if (event->has_thread) event->thread = block_.thread[at_];
  event->has_weight = !block_.weight.empty();
  if (event->has_weight) event->weight = block_.weight[at_];
  ++at_;
  return true;
}

}  // namespace heapsim::traces
