#include "traces/facts.h"

#include <algorithm>
#include <limits>

namespace heapsim::traces {
namespace {

uint64_t Saturated(absl::uint128 value) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  return value > kMax ? kMax : absl::Uint128Low64(value);
}

}  // namespace

proto::TraceFacts ToProto(const TraceFacts& facts) {
  proto::TraceFacts message;
  message.set_events(facts.events);
  message.set_malloc(facts.malloc);
  message.set_calloc(facts.calloc);
  message.set_memalign(facts.memalign);
  message.set_realloc(facts.realloc);
  message.set_free(facts.free);
  message.set_free_null(facts.free_null);
  message.set_free_unknown(facts.free_unknown);
  message.set_alloc_of_live_address(facts.alloc_of_live_address);
  if (facts.distinct_threads) message.set_distinct_threads(*facts.distinct_threads);
  message.set_total_requested_bytes(facts.total_requested_bytes);
  message.set_max_request(facts.max_request);
  message.set_peak_live_bytes(facts.peak_live_bytes);
  message.set_peak_at_event(facts.peak_at_event);
  message.set_peak_live_blocks(facts.peak_live_blocks);
  message.set_live_at_end_bytes(facts.live_at_end_bytes);
  message.set_live_at_end_blocks(facts.live_at_end_blocks);
  if (facts.duration_ns) message.set_duration_ns(*facts.duration_ns);
  message.set_format(facts.format);
  message.set_complete(facts.complete);
  if (facts.recorded_peak_rss_bytes) {
    message.set_recorded_peak_rss_bytes(*facts.recorded_peak_rss_bytes);
  }
  return message;
}

TraceFacts FromProto(const proto::TraceFacts& message) {
  TraceFacts facts;
  facts.events = message.events();
  facts.malloc = message.malloc();
  facts.calloc = message.calloc();
  facts.memalign = message.memalign();
  facts.realloc = message.realloc();
  facts.free = message.free();
  facts.free_null = message.free_null();
  facts.free_unknown = message.free_unknown();
  facts.alloc_of_live_address = message.alloc_of_live_address();
  if (message.has_distinct_threads()) facts.distinct_threads = message.distinct_threads();
  facts.total_requested_bytes = message.total_requested_bytes();
  facts.max_request = message.max_request();
  facts.peak_live_bytes = message.peak_live_bytes();
  facts.peak_at_event = message.peak_at_event();
  facts.peak_live_blocks = message.peak_live_blocks();
  facts.live_at_end_bytes = message.live_at_end_bytes();
  facts.live_at_end_blocks = message.live_at_end_blocks();
  if (message.has_duration_ns()) facts.duration_ns = message.duration_ns();
  facts.format = message.format();
  facts.complete = message.complete();
  if (message.has_recorded_peak_rss_bytes()) {
    facts.recorded_peak_rss_bytes = message.recorded_peak_rss_bytes();
  }
  return facts;
}

void FactsCounter::CountEvent(EventKind kind) {
  ++facts_.events;
  switch (kind) {
    case EventKind::kMalloc:
      ++facts_.malloc;
      break;
    case EventKind::kCalloc:
      ++facts_.calloc;
      break;
    case EventKind::kMemalign:
      ++facts_.memalign;
      break;
    case EventKind::kRealloc:
    case EventKind::kReallocFree:
      ++facts_.realloc;
      break;
    case EventKind::kFree:
      ++facts_.free;
      break;
    case EventKind::kFreeNull:
      ++facts_.free_null;
      break;
    case EventKind::kFreeUnknown:
      ++facts_.free;
      ++facts_.free_unknown;
      break;
  }
}

void FactsCounter::SetSize(uint32_t id, uint64_t size) {
  if (id >= sizes_.size()) sizes_.resize(id + 1);
  sizes_[id] = size;
}

void FactsCounter::Request(uint64_t size) {
  requested_ += size;
  facts_.max_request = std::max(facts_.max_request, size);
}

void FactsCounter::Drop(uint32_t dropped) {
  ++facts_.alloc_of_live_address;
  Free(dropped);
}

void FactsCounter::Alloc(uint32_t id, uint64_t size) {
  SetSize(id, size);
  Request(size);
  live_bytes_ += size;
  ++live_blocks_;
  facts_.peak_live_blocks = std::max(facts_.peak_live_blocks, live_blocks_);
}

void FactsCounter::Resize(uint32_t id, uint64_t size) {
  live_bytes_ -= sizes_[id];
  live_bytes_ += size;
  sizes_[id] = size;
  Request(size);
}

void FactsCounter::Free(uint32_t id) {
  live_bytes_ -= sizes_[id];
  --live_blocks_;
}

TraceFacts FactsCounter::Facts() const {
  TraceFacts facts = facts_;
  facts.total_requested_bytes = Saturated(requested_);
  facts.peak_live_bytes = Saturated(peak_bytes_);
  facts.live_at_end_bytes = Saturated(live_bytes_);
  facts.live_at_end_blocks = live_blocks_;
  return facts;
}

}  // namespace heapsim::traces
