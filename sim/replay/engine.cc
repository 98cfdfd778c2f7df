#include "sim/replay/engine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/pages/registry.h"
#include "proto/choice_name.h"
#include "sim/policies/size_class_table.h"
#include "sim/replay/assumptions.h"
#include "sim/replay/policy_parts.h"
#include "sim/replay/state_hash.h"

namespace heapsim::sim {
namespace {

using heap::Bytes;

MachineOptions MachineOptionsOf(const proto::Policy& policy) {
  MachineOptions o;
  o.page_size = Bytes(static_cast<uint64_t>(policy.os().page_size()));
  o.cost = CostModelOf(policy.cost());
  o.memory_limit = Bytes(static_cast<uint64_t>(policy.os().limit_bytes()));
  switch (policy.os().huge_pages()) {
    case proto::Os::HUGE_PAGES_MADVISE:
      o.huge_pages = HugePages::kMadvise;
      break;
    case proto::Os::HUGE_PAGES_ALWAYS:
      o.huge_pages = HugePages::kAlways;
      break;
    default:
      o.huge_pages = HugePages::kNever;
  }
  return o;
}

TouchModel TouchModelOf(const proto::Policy& policy) {
  switch (policy.objects().touch()) {
    case proto::Objects::TOUCH_FIRST:
      return TouchModel::kFirst;
    case proto::Objects::TOUCH_NONE:
      return TouchModel::kNone;
    default:
      return TouchModel::kWhole;
  }
}

// A test holds that there is one for each choice.
heap::PagesFactory PagesOf(const proto::Policy& policy) {
  return heap::MakePages(proto::ChoiceName(
      proto::PageAllocator_descriptor()->FindValueByNumber(policy.page_allocator())));
}

std::vector<uint64_t> Sorted(std::vector<uint64_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

}  // namespace

Engine::Engine(const proto::Policy& policy, const ReplayOptions& options)
    : policy_(policy),
      options_(options),
      gc_(policy.reclaim() == proto::RECLAIM_GC),
      whole_(TouchModelOf(policy) == TouchModel::kWhole),
      zero_all_(policy.objects().zero() == proto::Objects::ZERO_ALL),
      procs_(static_cast<uint32_t>(policy.procs())),
      classes_(*SizeClassTable(policy)),
      front_end_(FrontEndOf(policy)),
      release_(ReleaseRuleOf(policy)),
      machine_(MachineOptionsOf(policy)),
      os_(&machine_, policy.release().advice() == proto::Release::ADVICE_FREE),
      random_(options.seed),
      ledger_(&machine_, &dead_, TouchModelOf(policy)),
      tiny_count_(64 * heap::kMaxSlotWords),
      current_tiny_(procs_, 0),
      series_(options.samples),
      given_back_(options.detail == nullptr ? 0 : options.samples),
      releases_(Sorted(options.release_at)) {
  heap::HeapOptions h;
  h.procs = procs_;
  h.reclaim = gc_ ? heap::Reclaim::kGc : heap::Reclaim::kExplicit;
  h.classes = &classes_;
  h.front_end = front_end_.get();
  h.release = release_.get();
  h.tiny = policy.tiny();
  h.chunk = Bytes(static_cast<uint64_t>(policy.growth_chunk_bytes()));
  h.gc_percent = policy.gc().percent();
  h.pages.dirty_decay_ns = policy.extents().dirty_decay_ns();
  h.pages.muzzy_decay_ns = policy.extents().muzzy_decay_ns();
  h.pages.skip_subrelease_ns = policy.temeraire().skip_subrelease_ns();
  // The runtime reserves everything at once: span table, bitmap and arena.
  const heap::Address start = h.layout.spans_start();
  machine_.Reserve(start, h.layout.end - start);
  heap_ = std::make_unique<heap::Heap>(
      h, heap::HeapSeams{&os_, &clock_, &random_, &dead_, &ledger_}, PagesOf(policy));
  ledger_.Attach(heap_.get());
  if (options.detail != nullptr) recorder_ = std::make_unique<Recorder>(*options.detail);
  machine_.set_listener(&ledger_);
  for (uint32_t c = 1; c < heap_->classes().count(); ++c) {
    slot_bytes_[c] = heap_->classes()[c].size;
  }
  if (front_end_ == nullptr) {
    const heap::SizeClasses& classes = heap_->classes();
    request_class_.resize(classes.max_small_size() + 2);
    const auto from = request_class_.begin();
    for (uint32_t size = 1; size <= classes.max_small_size();) {
      const uint32_t c = classes.ClassOf(size);
      std::fill(from + size, from + classes[c].size + 1, static_cast<uint8_t>(c));
      size = classes[c].size + 1;
    }
    if (h.tiny) std::fill(from + 1, from + heap::Heap::kTinySize, heap::Heap::kTinyClass >> 1);
  }
  if (policy.startup_pages() > 0) {
    heap_->AllocateManual(heap::Pages(static_cast<uint64_t>(policy.startup_pages())),
                          heap::SpanKind::kStack);
  }
  timers_.fill(kNever);
  SetReleaseTimer();
  EndStep();
}

Engine::~Engine() = default;

absl::Status Engine::Run(const traces::EventBlock& block) {
  block_ = &block;
  alloc_ = free_ = exception_ = marker_ = 0;
  has_time_ = !block.time_ns.empty() && !options_.time_by_events;
  if (block.count != 0) saw_events_ = true;
  saw_time_ |= !block.time_ns.empty();
  saw_threads_ |= !block.thread.empty();
  saw_scan_ |= !block.scan.empty();
  const bool batches = BatchFits();
  for (uint32_t i = 0; i < block.count && !out_of_memory_;) {
    // Up to the next event after which something is looked at or asked for.
    uint64_t stop = block.first_event + block.count - 1;
    stop = std::min({stop, series_.next(), given_back_.next()});
    if (next_release_ < releases_.size()) stop = std::min(stop, releases_[next_release_]);
    if (recorder_ != nullptr) stop = std::min(stop, NextMoment(i));
    if (out_of_memory_) break;  // in a timer before that moment
    if (options_.check_every != 0) {
      stop = std::min(stop, (block.first_event + i + options_.check_every - 1) /
                                options_.check_every * options_.check_every);
    }
    uint32_t end =
        stop < block.first_event + i ? i + 1 : static_cast<uint32_t>(stop - block.first_event + 1);
    end = std::min(end, i + kBatch);
    if (absl::Status s = batches && PlainUntil(&end, i) ? RunBatch(i, end) : RunPlain(i, end);
        !s.ok()) {
      return s;
    }
    i = end;
    if (out_of_memory_) break;
    if (options_.check_every != 0 && event_ % options_.check_every == 0) Check();
    const bool releases = next_release_ < releases_.size() && releases_[next_release_] == event_;
    if (event_ == series_.next()) series_.AddRegular(Snapshot());
    if (event_ == given_back_.next()) {
      Sample due;
      due.event = event_;
      given_back_.AddRegular(due);
      MarkGivenBack();
    }
    if (recorder_ != nullptr) recorder_->AtEvent(event_, now(), Looking());
    if (!releases) continue;
    for (; next_release_ < releases_.size() && releases_[next_release_] == event_;
         ++next_release_) {
      series_.AddKept(Snapshot());
      ReleaseMemory();
      EndStep();
      series_.AddKept(Snapshot());
    }
  }
  // What stands after the last event.
  for (; marker_ < block.markers.size() && !out_of_memory_; ++marker_)
    NoteMarker(block.markers[marker_]);
  if (recorder_ != nullptr) {
    recorder_->Allocated(block, alloc_);
    block_ = nullptr;  // it is the source's again, but somebody may still look
  }
  return absl::OkStatus();
}

void Engine::NoteMarker(const traces::Marker& m) {
  MarkRecorded(m);
  if (m.kind != traces::MarkerKind::kRss) return;
  recorded_rss_ = true;
  recorded_peak_rss_ = std::max(recorded_peak_rss_, m.value);
}

uint64_t Engine::TimeOf(uint32_t position) {
  if (!has_time_) return (block_->first_event + position - 1) * kEventNs;
  const uint64_t t = block_->time_ns[position];
  if (t < last_time_) {
    ++clamped_;
    return last_time_;
  }
  return last_time_ = t;
}

void Engine::EndStep() {
  const uint64_t rss = machine_.resident_bytes().v;
  const uint64_t live = ledger_.live;
  if (rss == rss_ && live == live_) return;
  SumUp();
  if (rss != rss_) NewRss(rss);
  live_ = live;
  if (live > peak_live_) {
    peak_live_ = live;
    rss_at_peak_live_ = rss;
  }
}

void Engine::SumUp() {
  integrals_.AddRss(rss_, now() - rss_since_, live_ == 0);
  integrals_.AddLive(live_, now() - live_since_);
  rss_since_ = live_since_ = now();
}

void Engine::NewRss(uint64_t rss) {
  // Pages that came with somebody else's: a span cleared by the heap, neighbours on a large page.
  ledger_.RecountTouched();
  rss_ = rss;
  if (machine_.stats().oom_events != oom_seen_) {
    oom_seen_ = machine_.stats().oom_events;
    MarkInstant(proto::MARK_KIND_OUT_OF_MEMORY, rss);
    if (!options_.continue_on_oom) out_of_memory_ = true;
  }
  if (rss <= peak_rss_) return;
  peak_rss_ = rss;
  peak_rss_at_ = event_;
  peak_time_ = now();
  live_at_peak_rss_ = ledger_.live;
  peak_parts_ = ledger_.Now();
  huge_at_peak_ = machine_.huge_bytes().v;
  largest_free_ = heap_->pages().LargestFree().bytes().v;
  if (recorder_ != nullptr && recorder_->awaits_peak(rss)) {
    recorder_->AtPeak(rss, event_, now(), Looking());
  }
}

Sample Engine::Snapshot() const {
  Sample s;
  s.event = event_;
  s.time_ns = now();
  s.live = ledger_.live;
  s.rss = machine_.resident_bytes().v;
  s.parts = ledger_.Now();
  return s;
}

void Engine::Check() const {
  heap_->SelfCheck();
  const Parts now = ledger_.Now();
  if (now.sum() != machine_.resident_bytes().v || now != ledger_.FromScratch()) {
    heap::Throw(heap::FatalCode::kSelfCheck,
                absl::StrCat("event ", event_,
                             ": the parts of RSS kept along the way are not "
                             "those counted page by page"));
  }
}

void Engine::Settle() {
  if (out_of_memory_) return;
  const uint64_t end = now() + options_.settle_ns;
  if (recorder_ != nullptr) MomentsOfSettling(end);
  RunTimers(end);
  if (out_of_memory_) return;
  SetTime(end);
  SumUp();
}

void Engine::Fill(ReplayOutcome* o) {
  SumUp();
  o->events = event_;
  o->peak_rss = peak_rss_;
  o->peak_rss_at_event = peak_rss_at_;
  o->end_rss = machine_.resident_bytes().v;
  o->mean_rss = integrals_.MeanRss(o->end_rss);
  o->peak_mapped = machine_.stats().peak_mapped_bytes;
  o->peak_virtual = machine_.stats().peak_virtual_bytes;
  if (recorded_rss_) o->recorded_peak_rss = recorded_peak_rss_;
  o->parts = peak_parts_;
  o->live_at_peak_rss = live_at_peak_rss_;
  o->peak_live = peak_live_;
  o->rss_at_peak_live = rss_at_peak_live_;
  o->mean_rss_over_live = integrals_.RssOverLive();
  o->waste_byte_seconds = integrals_.WasteByteSeconds();
  o->largest_free_run = largest_free_;

  const MachineStats& m = machine_.stats();
  o->os.page_faults = m.page_faults;
  o->os.huge_page_faults = m.huge_page_faults;
  o->os.madvise_calls = m.madvise_calls;
  o->os.mmap_calls = m.mmap_calls;
  o->os.released_bytes = m.released_bytes;
  o->os.refaulted_bytes = m.refaulted_bytes;
  o->os.vma_peak = machine_.peak_vma_count();
  o->os.cost_ns = m.cost_ns;
  o->os.oom_events = m.oom_events;
  o->os.failed_advice_calls = os_.failed_advice();
  o->os.huge_page_coverage =
      peak_rss_ == 0 ? 0 : static_cast<double>(huge_at_peak_) / static_cast<double>(peak_rss_);
  o->mark = mark_work_;
  o->mark_cost_ns = MarkCostNs(policy_.cost(), mark_work_);
  o->gc_forced = forced_;
  o->swept_spans = ledger_.swept_spans();
  o->heap = heap_->ReadStats();

  Sample peak;
  peak.event = peak_rss_at_;
  peak.time_ns = peak_time_;
  peak.live = live_at_peak_rss_;
  peak.rss = peak_rss_;
  peak.parts = peak_parts_;
  series_.SetPeak(peak);
  o->series = series_.Merge(Snapshot());

  StateHash h;
  h.AddHeap(*heap_, dead_);
  h.Add(machine_.StateHash());
  h.Add({o->events, o->peak_rss, o->peak_rss_at_event, o->peak_live, o->rss_at_peak_live,
         o->mark.cycles, o->swept_spans, ledger_.live, ledger_.occupied, ledger_.dead, now()});
  h.Add({static_cast<uint64_t>(integrals_.rss()), static_cast<uint64_t>(integrals_.rss() >> 64),
         static_cast<uint64_t>(integrals_.live()), static_cast<uint64_t>(integrals_.live() >> 64)});
  h.Add({m.page_faults, m.madvise_calls, m.mmap_calls, m.released_bytes, m.refaulted_bytes});
  o->state_hash = h.Finish();
  if (recorder_ != nullptr) {
    // Where the heap gave up in the middle of a step there is nothing sound to look at.
    if (o->fatal.empty() || out_of_memory_) recorder_->AtEnd(event_, now(), Looking());
    MarkSwept();
    MarkGivenBack();
    recorder_->Finish(&o->detail.emplace());
  }

  auto& a = o->assumptions;
  if (saw_events_) AssumeTime(options_.time_by_events, saw_time_, clamped_, &a);
  if (!saw_threads_) a.push_back("threads: none recorded; one cache is used");
  if (policy_.objects().scan() == proto::Objects::SCAN_RECORDED && !saw_scan_) {
    a.push_back("pointers: not recorded; no object is taken to hold any");
  }
  if (policy_.startup_pages() != 0) {
    a.push_back(absl::StrCat("start-up: the runtime's own objects hold ", policy_.startup_pages(),
                             " pages at the heap's start, which nobody touches"));
  }
  switch (policy_.objects().touch()) {
    case proto::Objects::TOUCH_FIRST:
      a.push_back("touch: a program touches the first byte of each object");
      break;
    case proto::Objects::TOUCH_NONE:
      a.push_back("touch: a program touches nothing; only the allocator does");
      break;
    default:
      a.push_back("touch: a program touches every byte it asks for");
  }
  if (os_.failed_advice() != 0) {
    a.push_back(absl::StrCat("advice: ", os_.failed_advice(), " calls failed and were ignored"));
  }
}

}  // namespace heapsim::sim
