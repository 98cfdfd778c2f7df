#include "sim/replay/trace_history.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <set>

#include "sim/replay/size_bracket.h"

namespace heapsim::sim {
namespace {

using traces::EventKind;
using traces::kNoObject;

constexpr size_t kMaxIds = size_t{1} << 32;
constexpr uint64_t kEventNs = 1000;
constexpr uint64_t kWide = (uint64_t{1} << 24) - 1;

}  // namespace

TraceHistory::TraceHistory(uint64_t events, bool time_by_events)
    : events_(events),
      time_by_events_(time_by_events),
      born_(kMaxIds),
      born_after_(kMaxIds),
      site_of_(kMaxIds),
      index_(kMaxIds) {}

uint64_t TraceHistory::SizeOf(uint32_t id) const {
  const uint64_t size = born_[id] & kWide;
  return size == kWide ? wide_.find(id)->second : size;
}

uint64_t TraceHistory::BornNs(uint32_t id) const {
  const uint64_t event = born_[id] >> 24;
  const auto after =
      std::upper_bound(bases_.begin(), bases_.end(), event,
                       [](uint64_t e, const TimeBase& base) { return e < base.event; });
  // Before there were times the event says it.
  if (after == bases_.begin()) return (event - 1) * kEventNs;
  return std::prev(after)->ns + born_after_[id];
}

void TraceHistory::Begin(uint32_t id, uint32_t site, uint64_t size) {
  if (size >= kWide) wide_[id] = size;
  born_[id] = event_ << 24 | std::min(size, kWide);
  if (has_time_) {
    if (bases_.empty() || now_ - bases_.back().ns > std::numeric_limits<uint32_t>::max()) {
      bases_.push_back({event_, now_});
    }
    born_after_[id] = static_cast<uint32_t>(now_ - bases_.back().ns);
  }
  uint32_t& index = index_[site];
  if (index == 0) {
    sites_.emplace_back().id = site;
    index = static_cast<uint32_t>(sites_.size());
  }
  site_of_[id] = site;
  Site& s = sites_[index - 1];
  ++s.allocations;
  s.allocated += size;
  s.live += size;
  if (s.live > s.peak) {
    s.peak = s.live;
    s.peak_event = event_;
  }
  ++unfreed_.objects;
  unfreed_.bytes += size;
}

void TraceHistory::End(uint32_t id) {
  const uint64_t size = SizeOf(id);
  const auto add = [size](Buckets* buckets, uint64_t age) {
    Bucket& b = (*buckets)[static_cast<size_t>(std::bit_width(age))];
    ++b.objects;
    b.bytes += size;
  };
  add(&by_events_, event_ - (born_[id] >> 24));
  add(&by_ns_, now_ - BornNs(id));
  sites_[index_[site_of_[id]] - 1].live -= size;
  --unfreed_.objects;
  unfreed_.bytes -= size;
  born_[id] = 0;
}

void TraceHistory::ReachSteps(uint64_t event) {
  // Step k is over when event ceil(k x events / 16) is done.
  for (; step_ <= kSteps && event > (step_ * events_ + kSteps - 1) / kSteps; ++step_) {
    for (Site& s : sites_) s.by_step[step_] = s.live;
  }
}

void TraceHistory::Add(const traces::EventBlock& block) {
  const bool has_time = !block.time_ns.empty() && !time_by_events_;
  has_time_ |= has_time;
  has_sites_ |= !block.call_site.empty();
  uint32_t alloc = 0, free = 0, exception = 0;
  for (uint32_t i = 0; i < block.count; ++i) {
    const traces::Exception* x = nullptr;
    if (exception < block.exceptions.size() && block.exceptions[exception].position == i) {
      x = &block.exceptions[exception++];
    }
    event_ = block.first_event + i;
    ReachSteps(event_);
    now_ = std::max(now_, has_time ? block.time_ns[i] : (event_ - 1) * kEventNs);
    if (x != nullptr && x->dropped_object != kNoObject && lives(x->dropped_object)) {
      End(x->dropped_object);
    }
    if (block.IsFree(i)) {
      const uint32_t id = block.free_object[free++];
      if (id == kNoObject || !lives(id)) continue;
      const uint32_t site = site_of_[id];
      End(id);
      if (x == nullptr || x->kind != EventKind::kRealloc) continue;
      Begin(id, has_sites_ ? site : SizeBracket(x->size), x->size);
    } else {
      const uint32_t id = block.alloc_object[alloc];
      uint64_t size = block.alloc_size[alloc];
      if (size == traces::kWideSize && x != nullptr) size = x->size;
      uint32_t site = SizeBracket(size);
      if (has_sites_) site = block.call_site.empty() ? 0 : block.call_site[alloc];
      if (lives(id)) End(id);
      Begin(id, site, size);
      ++alloc;
    }
  }
}

void TraceHistory::Finish(uint32_t largest, proto::Detail* detail) const {
  std::set<uint32_t> wanted;
  for (const proto::HeapSnapshot& snapshot : detail->snapshots()) {
    for (const proto::SiteUse& use : snapshot.sites()) wanted.insert(use.site());
  }
  std::vector<const Site*> order;
  for (const Site& s : sites_) order.push_back(&s);
  const auto add_largest = [&](const auto& key) {
    std::sort(order.begin(), order.end(), [&](const Site* a, const Site* b) {
      return key(*a) != key(*b) ? key(*a) > key(*b) : a->id < b->id;
    });
    for (size_t i = 0; i < order.size() && i < largest; ++i) wanted.insert(order[i]->id);
  };
  add_largest([](const Site& s) { return s.peak; });
  add_largest([](const Site& s) { return s.live; });
  for (const uint32_t id : wanted) {
    if (index_[id] == 0) continue;
    const Site& s = sites_[index_[id] - 1];
    proto::CallSite* to = detail->add_call_sites();
    to->set_id(id);
    to->set_allocations(s.allocations);
    to->set_allocated_bytes(s.allocated);
    to->set_freed_bytes(s.allocated - s.live);
    to->set_peak_live_bytes(s.peak);
    to->set_peak_live_at_event(s.peak_event);
    for (size_t step = 0; step <= kSteps; ++step) {
      // The last one, and all after a run that ended early, hold what is live now.
      to->add_live_bytes_by_sixteenths(step < step_ ? s.by_step[step] : s.live);
    }
  }
  const auto fill = [](const Buckets& from, auto* to) {
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i].objects == 0) continue;
      proto::LifetimeBucket* bucket = to->Add();
      bucket->set_min(i == 0 ? 0 : uint64_t{1} << (i - 1));
      bucket->set_objects(from[i].objects);
      bucket->set_bytes(from[i].bytes);
    }
  };
  proto::Lifetimes* lifetimes = detail->mutable_lifetimes();
  fill(by_events_, lifetimes->mutable_by_events());
  fill(by_ns_, lifetimes->mutable_by_ns());
  lifetimes->set_unfreed_objects(unfreed_.objects);
  lifetimes->set_unfreed_bytes(unfreed_.bytes);
}

}  // namespace heapsim::sim
