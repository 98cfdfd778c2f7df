#include "traces/block_builder.h"

#include <algorithm>

namespace heapsim::traces {

void BlockBuilder::AddException(EventKind kind, uint64_t size, uint64_t alignment, bool failed,
                                uint32_t dropped) {
  Exception& e = block_.exceptions.emplace_back();
  e.position = static_cast<uint16_t>(block_.count);
  e.kind = kind;
  e.size = size;
  e.alignment = kind == EventKind::kMemalign ? alignment : 0;
  e.failed = failed;
  e.dropped_object = dropped;
}

uint32_t BlockBuilder::Alloc(EventKind kind, uint64_t size, uint64_t alignment, uint32_t dropped) {
  facts_.CountEvent(kind);
  if (dropped != kNoObject) {
    facts_.Drop(dropped);
    ids_.Free(dropped);
  }
  if (!ids_.HasId()) {
    if (status_.ok()) status_ = absl::ResourceExhaustedError("more than 2^32 live objects");
    return 0;
  }
  const uint32_t id = ids_.Allocate();
  facts_.Alloc(id, size);
  if (kind != EventKind::kMalloc || size >= kWideSize || dropped != kNoObject) {
    AddException(kind, size, alignment, false, dropped);
  }
  block_.alloc_object.push_back(id);
  block_.alloc_size.push_back(size >= kWideSize ? kWideSize : static_cast<uint32_t>(size));
  if (has_call_site_) block_.call_site.push_back(call_site_);
  if (has_scan_) PushAllocBit(scan_);
  Push(false);
  return id;
}

void BlockBuilder::PushAllocBit(bool bit) {
  const size_t at = block_.alloc_size.size() - 1;
  if (at / 64 == block_.scan.size()) block_.scan.push_back(0);
  block_.scan[at / 64] |= uint64_t{bit} << (at % 64);
}

void BlockBuilder::Resize(uint32_t id, uint64_t size, uint32_t dropped) {
  facts_.CountEvent(EventKind::kRealloc);
  if (dropped != kNoObject) {
    facts_.Drop(dropped);
    ids_.Free(dropped);
  }
  facts_.Resize(id, size);
  AddException(EventKind::kRealloc, size, 0, false, dropped);
  block_.free_object.push_back(id);
  Push(true);
}

void BlockBuilder::Free(uint32_t id, EventKind kind) {
  facts_.CountEvent(kind);
  facts_.Free(id);
  ids_.Free(id);
  if (kind != EventKind::kFree) AddException(kind, 0, 0, false, kNoObject);
  block_.free_object.push_back(id);
  Push(true);
}

void BlockBuilder::FreeNothing(EventKind kind) {
  facts_.CountEvent(kind);
  AddException(kind, 0, 0, false, kNoObject);
  block_.free_object.push_back(kNoObject);
  Push(true);
}

void BlockBuilder::Failed(EventKind kind, uint64_t size, uint64_t alignment) {
  facts_.CountEvent(kind);
  AddException(kind, size, alignment, true, kNoObject);
  block_.free_object.push_back(kNoObject);
  Push(true);
}

void BlockBuilder::SetTime(uint64_t ns) {
  if (!has_time_) {
    has_time_ = true;
    block_.time_ns.assign(block_.count, 0);
  }
  now_ = ns;
}

void BlockBuilder::SetThread(uint64_t key) {
  if (has_thread_ && key == thread_key_) return;
  if (!has_thread_) {
    has_thread_ = true;
    block_.thread.assign(block_.count, 0);
  }
  thread_key_ = key;
  thread_seen_ = false;
}

void BlockBuilder::EndThread(uint64_t key) {
  threads_.erase(key);
  if (key == thread_key_) thread_seen_ = false;
}

void BlockBuilder::SetCallSite(uint32_t node) {
  if (!has_call_site_) {
    has_call_site_ = true;
    block_.call_site.assign(block_.alloc_size.size(), 0);
  }
  call_site_ = node;
}

void BlockBuilder::SetScan(bool holds_pointers) {
  if (!has_scan_) {
    has_scan_ = true;
    block_.scan.assign((block_.alloc_size.size() + 63) / 64, 0);
  }
  scan_ = holds_pointers;
}

void BlockBuilder::SetWeight(uint32_t weight) {
  if (!has_weight_) {
    has_weight_ = true;
    block_.weight.assign(block_.count, 1);
  }
  weight_ = weight;
}

void BlockBuilder::AddMarker(MarkerKind kind, uint64_t value) {
  if (kind == MarkerKind::kRss) peak_rss_ = std::max(peak_rss_.value_or(0), value);
  block_.markers.push_back({block_.count, kind, value});
}

void BlockBuilder::Push(bool is_free) {
  const uint32_t at = block_.count;
  if (at % 64 == 0) block_.is_free.push_back(0);
  block_.is_free[at / 64] |= uint64_t{is_free} << (at % 64);
  if (has_time_) {
    if (!first_time_) first_time_ = now_;
    const uint64_t since = now_ > *first_time_ ? now_ - *first_time_ : 0;
    latest_ = std::max(latest_, since);
    block_.time_ns.push_back(since);
  }
  if (has_thread_) {
    // A thread gets its index with its first event, since only events make it appear.
    if (!thread_seen_) {
      thread_seen_ = true;
      thread_keys_[thread_key_] = true;
      const auto [it, fresh] = threads_.try_emplace(thread_key_, next_thread_);
      next_thread_ += fresh;
      thread_ = it->second;
    }
    block_.thread.push_back(thread_);
  }
  if (has_weight_) block_.weight.push_back(weight_);
  facts_.EndEvent();
  ++block_.count;
  if (block_.count == kMaxBlockEvents) EmitBlock();
}

void BlockBuilder::EmitBlock() {
  block_.first_event = first_event_;
  if (status_.ok()) status_ = emit_(block_);
  first_event_ += block_.count;
  block_.Clear();
}

void BlockBuilder::Flush() {
  // Markers after the last event of a full block stand in a block of their own, which cannot be:
  // they tell nothing about any event.
  if (block_.count > 0) EmitBlock();
}

TraceFacts BlockBuilder::Facts() const {
  TraceFacts facts = facts_.Facts();
  if (has_thread_) facts.distinct_threads = thread_keys_.size();
  if (has_time_) facts.duration_ns = latest_;
  facts.recorded_peak_rss_bytes = peak_rss_;
  return facts;
}

}  // namespace heapsim::traces
