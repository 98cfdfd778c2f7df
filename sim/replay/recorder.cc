#include "sim/replay/recorder.h"

#include <algorithm>
#include <utility>

namespace heapsim::sim {
namespace {

constexpr size_t kMaxObjects = size_t{1} << 32;

std::vector<Moment> OfKind(const std::vector<Moment>& moments, Moment::Kind kind) {
  std::vector<Moment> some;
  for (const Moment& m : moments) {
    if (m.kind == kind) some.push_back(m);
  }
  std::stable_sort(some.begin(), some.end(),
                   [](const Moment& a, const Moment& b) { return a.value < b.value; });
  return some;
}

}  // namespace

Recorder::Recorder(const DetailOptions& options)
    : options_(options),
      event_(OfKind(options.moments, Moment::Kind::kEvent)),
      time_(OfKind(options.moments, Moment::Kind::kTime)),
      peak_(OfKind(options.moments, Moment::Kind::kPeak)),
      end_(OfKind(options.moments, Moment::Kind::kEnd)),
      sites_(kMaxObjects),
      marks_(options.marks) {}

void Recorder::Allocated(const traces::EventBlock& block, uint32_t allocs) {
  if (told_block_ != block.first_event) {
    told_block_ = block.first_event;
    told_ = 0;
  }
  has_sites_ |= !block.call_site.empty();
  for (; told_ < allocs; ++told_) {
    const uint32_t id = block.alloc_object[told_];
    object_ids_ = std::max<uint64_t>(object_ids_, uint64_t{id} + 1);
    // An id is used again: what stood there is of an object that is gone.
    if (has_sites_) sites_[id] = block.call_site.empty() ? 0 : block.call_site[told_];
  }
}

uint64_t Recorder::next_event() const {
  return events_ < event_.size() ? event_[events_].value : kNever;
}

uint64_t Recorder::next_time() const {
  return times_ < time_.size() ? time_[times_].value : kNever;
}

void Recorder::Take(const Moment& moment, uint64_t event, uint64_t time_ns, const Look& look) {
  proto::HeapSnapshot snapshot = look(options_.limits);
  snapshot.set_label(moment.label);
  snapshot.set_event(event);
  snapshot.set_time_ns(time_ns);
  *detail_.add_snapshots() = std::move(snapshot);
}

void Recorder::AtEvent(uint64_t event, uint64_t time_ns, const Look& look) {
  for (; next_event() <= event; ++events_) Take(event_[events_], event, time_ns, look);
}

void Recorder::AtTime(uint64_t event, uint64_t time_ns, const Look& look) {
  for (; next_time() <= time_ns; ++times_) Take(time_[times_], event, time_ns, look);
}

void Recorder::AtPeak(uint64_t rss, uint64_t event, uint64_t time_ns, const Look& look) {
  for (; awaits_peak(rss); ++peaks_) Take(peak_[peaks_], event, time_ns, look);
}

void Recorder::AtEnd(uint64_t event, uint64_t time_ns, const Look& look) {
  for (const Moment& moment : end_) Take(moment, event, time_ns, look);
}

void Recorder::GivenBack(uint64_t total, uint64_t event, uint64_t time_ns) {
  if (total != given_back_) {
    marks_.AddPart(proto::MARK_KIND_SCAVENGE, told_at_event_, told_at_time_,
                   time_ns - told_at_time_, total - given_back_);
  }
  given_back_ = total;
  told_at_event_ = event;
  told_at_time_ = time_ns;
}

void Recorder::Finish(proto::Detail* detail) {
  *detail = detail_;
  detail->set_has_call_sites(has_sites_);
  marks_.Finish(detail);
}

}  // namespace heapsim::sim
