// The engine as whoever asked for detail sees it; nothing here is run where nobody did.

#include <algorithm>

#include "sim/replay/engine.h"

namespace heapsim::sim {

proto::HeapSnapshot Engine::LookNow(const SnapshotLimits& limits) const {
  return LookAtHeap({heap_.get(), &machine_, &dead_, &ledger_, &table_, recorder_->object_ids(),
                     recorder_->sites()},
                    limits);
}

Recorder::Look Engine::Looking() {
  return [this](const SnapshotLimits& limits) {
    if (block_ != nullptr) recorder_->Allocated(*block_, alloc_);
    return LookNow(limits);
  };
}

uint64_t Engine::NextMoment(uint32_t i) {
  if (event_ == 0 && recorder_->next_event() == 0) recorder_->AtEvent(0, now(), Looking());
  uint64_t stop = recorder_->next_event();
  while (recorder_->next_time() != Recorder::kNever) {
    const uint64_t time = recorder_->next_time();
    // The first event that comes later.
    uint32_t later = i;
    if (has_time_) {
      while (later < block_->count && block_->time_ns[later] <= time) ++later;
    } else {
      const uint64_t event = time / kEventNs + 2;
      later = static_cast<uint32_t>(std::clamp<uint64_t>(event, block_->first_event + i,
                                                         block_->first_event + block_->count) -
                                    block_->first_event);
    }
    if (later != i) return std::min(stop, block_->first_event + later - 1);
    TimersUntilMoment(time);
  }
  return stop;
}

void Engine::TimersUntilMoment(uint64_t time) {
  RunTimers(time);
  recorder_->AtTime(event_, time, Looking());
}

void Engine::MomentsOfSettling(uint64_t end) {
  while (recorder_->next_time() <= end) TimersUntilMoment(recorder_->next_time());
}

void Engine::MarkPhase(Recorder::Phase* phase, proto::MarkKind kind, uint64_t value) {
  if (!phase->open) return;
  phase->open = false;
  recorder_->marks().Add(kind, phase->event, phase->time_ns, now() - phase->time_ns, value);
}

void Engine::MarkGcBegins() {
  if (recorder_ == nullptr) return;
  MarkSwept();
  recorder_->gc = {true, event_, now(), heap_->stats().heap_live};
}

void Engine::MarkGcEnds() {
  if (recorder_ == nullptr) return;
  MarkPhase(&recorder_->gc, proto::MARK_KIND_GC, recorder_->gc.value);
  recorder_->sweep = {true, event_, now(), ledger_.swept_spans()};
}

void Engine::MarkSwept() {
  if (recorder_ == nullptr) return;
  MarkPhase(&recorder_->sweep, proto::MARK_KIND_SWEEP,
            ledger_.swept_spans() - recorder_->sweep.value);
}

void Engine::MarkInstant(proto::MarkKind kind, uint64_t value) {
  if (recorder_ != nullptr) recorder_->marks().Add(kind, event_, now(), 0, value);
}

// What went back since the last time this was asked.
void Engine::MarkGivenBack() {
  if (recorder_ == nullptr) return;
  recorder_->GivenBack(machine_.stats().released_bytes, event_, now());
}

void Engine::MarkRecorded(const traces::Marker& m) {
  if (recorder_ == nullptr) return;
  switch (m.kind) {
    case traces::MarkerKind::kGc:
      return MarkInstant(proto::MARK_KIND_RECORDED_GC, m.value);
    case traces::MarkerKind::kRelease:
      return MarkInstant(proto::MARK_KIND_RECORDED_RELEASE, m.value);
    case traces::MarkerKind::kPhase:
      return MarkInstant(proto::MARK_KIND_RECORDED_PHASE, m.value);
    case traces::MarkerKind::kRss:
      return;
  }
}

}  // namespace heapsim::sim
