#include "sim/replay/ideal.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/units.h"
#include "sim/replay/assumptions.h"
#include "sim/replay/state_hash.h"

namespace heapsim::sim {
namespace {

using traces::EventKind;

constexpr uint64_t kEventNs = 1000;

}  // namespace

IdealEngine::IdealEngine(const proto::Policy& policy, const ReplayOptions& options)
    : page_(static_cast<uint64_t>(policy.os().page_size())),
      options_(options),
      sizes_(size_t{1} << 32),
      series_(options.samples) {}

absl::Status IdealEngine::Change(uint32_t id, bool alive, uint64_t size, uint64_t event) {
  if (sizes_[id] != 0) {
    live_ -= sizes_[id] - 1;
  } else if (!alive) {
    return absl::DataLossError(absl::StrCat("event ", event, " frees object ", id,
                                            ", which is not alive: the trace is not sound; "
                                            "import it anew"));
  }
  sizes_[id] = alive ? size + 1 : 0;
  if (alive) live_ += size;
  return absl::OkStatus();
}

absl::Status IdealEngine::Run(const traces::EventBlock& block) {
  uint32_t alloc = 0, free = 0, exception = 0;
  const bool has_time = !block.time_ns.empty() && !options_.time_by_events;
  saw_time_ |= !block.time_ns.empty();
  for (const traces::Marker& m : block.markers) {
    if (m.kind != traces::MarkerKind::kRss) continue;
    recorded_rss_ = true;
    recorded_peak_rss_ = std::max(recorded_peak_rss_, m.value);
  }
  for (uint32_t i = 0; i < block.count; ++i) {
    const traces::Exception* x = nullptr;
    if (exception < block.exceptions.size() && block.exceptions[exception].position == i) {
      x = &block.exceptions[exception++];
    }
    const uint64_t event = block.first_event + i;
    uint64_t t = has_time ? block.time_ns[i] : (event - 1) * kEventNs;
    if (t < now_) {
      ++clamped_;
      t = now_;
    }
    absl::Status s;
    if (block.IsFree(i)) {
      const uint32_t id = block.free_object[free++];
      if (x != nullptr && x->dropped_object != traces::kNoObject) {
        s = Change(x->dropped_object, false, 0, event);
      }
      if (s.ok() && id != traces::kNoObject) {
        const bool realloc = x != nullptr && x->kind == EventKind::kRealloc;
        if (realloc && sizes_[id] == 0) s = Change(id, false, 0, event);
        if (s.ok()) s = Change(id, realloc, realloc ? x->size : 0, event);
      }
    } else {
      const uint32_t id = block.alloc_object[alloc];
      uint64_t size = block.alloc_size[alloc++];
      if (x != nullptr) {
        if (size == traces::kWideSize) size = x->size;
        if (x->dropped_object != traces::kNoObject) s = Change(x->dropped_object, false, 0, event);
      }
      if (s.ok()) s = Change(id, true, size, event);
    }
    if (!s.ok()) return s;
    event_ = event;
    EndStep(t);
    if (event == series_.next()) series_.AddRegular(Snapshot());
    for (const uint64_t release : options_.release_at) {
      if (release != event) continue;
      series_.AddKept(Snapshot());
      series_.AddKept(Snapshot());
    }
  }
  return absl::OkStatus();
}

void IdealEngine::EndStep(uint64_t time) {
  now_ = time;
  if (live_ == shown_live_) return;
  integrals_.AddRss(rss_, now_ - measured_at_, shown_live_ == 0);
  integrals_.AddLive(shown_live_, now_ - measured_at_);
  measured_at_ = now_;
  shown_live_ = live_;
  rss_ = (live_ + page_ - 1) / page_ * page_;
  if (rss_ > peak_rss_) {
    peak_rss_ = rss_;
    peak_ = Snapshot();
  }
  if (live_ > peak_live_) {
    peak_live_ = live_;
    rss_at_peak_live_ = rss_;
  }
}

Sample IdealEngine::Snapshot() const {
  Sample s;
  s.event = event_;
  s.time_ns = now_;
  s.live = live_;
  s.rss = rss_;
  // The rest of the last page is the only waste there is.
  s.parts.live_resident = live_;
  s.parts.span_slack = rss_ - live_;
  return s;
}

void IdealEngine::Settle() { now_ += options_.settle_ns; }

void IdealEngine::Fill(ReplayOutcome* o) {
  integrals_.AddRss(rss_, now_ - measured_at_, shown_live_ == 0);
  integrals_.AddLive(shown_live_, now_ - measured_at_);
  measured_at_ = now_;
  o->events = event_;
  o->peak_rss = peak_rss_;
  o->peak_rss_at_event = peak_.event;
  o->end_rss = rss_;
  o->mean_rss = integrals_.MeanRss(rss_);
  o->peak_mapped = o->peak_virtual = peak_rss_;
  if (recorded_rss_) o->recorded_peak_rss = recorded_peak_rss_;
  o->parts = peak_.parts;
  o->live_at_peak_rss = peak_.live;
  o->peak_live = peak_live_;
  o->rss_at_peak_live = rss_at_peak_live_;
  o->mean_rss_over_live = integrals_.RssOverLive();
  o->waste_byte_seconds = integrals_.WasteByteSeconds();
  if (peak_rss_ != 0) series_.SetPeak(peak_);
  o->series = series_.Merge(Snapshot());
  StateHash h;
  h.Add({o->events, live_, rss_, peak_rss_, peak_.event, peak_live_, now_,
         static_cast<uint64_t>(integrals_.rss()), static_cast<uint64_t>(integrals_.live())});
  o->state_hash = h.Finish();
  o->assumptions.push_back("ideal: no allocator; live bytes fill whole pages but for the last one");
  if (event_ != 0) AssumeTime(options_.time_by_events, saw_time_, clamped_, &o->assumptions);
}

}  // namespace heapsim::sim
