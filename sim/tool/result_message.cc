#include "sim/tool/result_message.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "sim/replay/parts_message.h"
#include "sim/tool/version.h"

namespace heapsim::sim {
namespace {

void Fill(const heap::MemStats& from, proto::HeapStats* to) {
  const auto total = [](const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  };
  const uint64_t small_allocs = total(from.nmalloc);
  const uint64_t small_frees = total(from.nsmallfree);
  to->set_heap_sys(from.heap_sys);
  to->set_heap_idle(from.heap_idle);
  to->set_heap_inuse(from.heap_inuse);
  to->set_heap_released(from.heap_released);
  to->set_heap_objects(from.nlargealloc + small_allocs - from.nlargefree - small_frees);
  to->set_stacks_inuse(from.stacks_inuse);
  to->set_stacks_sys(from.stacks_sys);
  to->set_mspan_inuse(from.mspan_inuse);
  to->set_mspan_sys(from.mspan_sys);
  to->set_mcache_inuse(from.mcache_inuse);
  to->set_mcache_sys(from.mcache_sys);
  to->set_buckhash_sys(from.buckhash_sys);
  to->set_gc_sys(from.gc_sys);
  to->set_other_sys(from.other_sys);
  to->set_heap_live(from.heap_live);
  to->set_heap_marked(from.heap_marked);
  to->set_heap_scan(from.heap_scan);
  to->set_gc_trigger(from.gc_trigger);
  to->set_next_gc(from.next_gc);
  to->set_tinyallocs(from.tinyallocs);
  to->set_nlookup(from.nlookup);
  to->set_largealloc(from.largealloc);
  to->set_nlargealloc(from.nlargealloc);
  to->set_largefree(from.largefree);
  to->set_nlargefree(from.nlargefree);
  to->set_nsmallalloc(small_allocs);
  to->set_nsmallfree(small_frees);
}

double Ratio(uint64_t a, uint64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

void FillFragmentation(const ReplayOutcome& from, proto::Fragmentation* to) {
  if (from.peak_live != 0) {
    to->set_peak_rss_over_peak_live(Ratio(from.peak_rss, from.peak_live));
    to->set_rss_over_live_at_peak_live(Ratio(from.rss_at_peak_live, from.peak_live));
    to->set_mean_rss_over_live(from.mean_rss_over_live);
  }
  if (from.live_at_peak_rss != 0) {
    to->set_rss_over_live_at_peak_rss(Ratio(from.peak_rss, from.live_at_peak_rss));
  }
  to->set_waste_byte_seconds(from.waste_byte_seconds);
  if (!from.measured) to->set_largest_free_run_bytes(from.largest_free_run);
}

void FillSimulated(const ReplayOutcome& from, proto::Result* to) {
  to->set_state_hash(from.state_hash);
  to->mutable_memory()->set_peak_mapped_bytes(from.peak_mapped);
  to->mutable_memory()->set_peak_virtual_bytes(from.peak_virtual);
  proto::OsCounts* os = to->mutable_os();
  os->set_huge_page_faults(from.os.huge_page_faults);
  os->set_huge_page_coverage(from.os.huge_page_coverage);
  os->set_madvise_calls(from.os.madvise_calls);
  os->set_mmap_calls(from.os.mmap_calls);
  os->set_released_bytes(from.os.released_bytes);
  os->set_refaulted_bytes(from.os.refaulted_bytes);
  os->set_vma_peak(from.os.vma_peak);
  os->set_cost_ns(from.os.cost_ns);
  os->set_oom_events(from.os.oom_events);
  os->set_failed_advice_calls(from.os.failed_advice_calls);
  proto::GcCounts* gc = to->mutable_gc();
  gc->set_cycles(from.mark.cycles);
  gc->set_swept_spans(from.swept_spans);
  gc->set_forced_cycles(from.gc_forced);
  gc->set_marked_objects(from.mark.objects);
  gc->set_scanned_bytes(from.mark.scanned_bytes);
  gc->set_mark_cost_ns(from.mark_cost_ns);
  to->mutable_cost()->set_total_ns(from.os.cost_ns + from.mark_cost_ns);
}

}  // namespace

proto::Result ToMessage(const ReplayOutcome& outcome) {
  proto::Result result;
  result.set_complete(outcome.complete);
  if (!outcome.fatal.empty()) {
    result.set_stopped(absl::StrCat(outcome.fatal, " after event ", outcome.events));
  } else if (!outcome.complete) {
    result.set_stopped(absl::StrCat("interrupted after event ", outcome.events));
  }
  for (const std::string& assumption : outcome.assumptions) result.add_assumptions(assumption);

  proto::Memory* memory = result.mutable_memory();
  memory->set_peak_rss_bytes(outcome.peak_rss);
  memory->set_peak_rss_at_event(outcome.peak_rss_at_event);
  memory->set_mean_rss_bytes(outcome.mean_rss);
  memory->set_end_rss_bytes(outcome.end_rss);
  if (outcome.recorded_peak_rss.has_value()) {
    memory->set_recorded_peak_rss_bytes(*outcome.recorded_peak_rss);
  }
  if (outcome.parts.has_value()) *result.mutable_parts() = ToProto(*outcome.parts);
  FillFragmentation(outcome, result.mutable_fragmentation());

  result.mutable_os()->set_page_faults(outcome.os.page_faults);
  if (!outcome.measured) FillSimulated(outcome, &result);
  if (outcome.heap.has_value()) Fill(*outcome.heap, result.mutable_heap());

  for (const Sample& from : outcome.series) {
    proto::Sample* sample = result.add_series();
    sample->set_event(from.event);
    sample->set_time_ns(from.time_ns);
    sample->set_live_bytes(from.live);
    sample->set_rss_bytes(from.rss);
    if (outcome.parts.has_value()) *sample->mutable_parts() = ToProto(from.parts);
  }
  if (outcome.detail.has_value()) *result.mutable_detail() = *outcome.detail;
  proto::Timing* timing = result.mutable_timing();
  timing->set_wall_seconds(outcome.wall_seconds);
  if (outcome.wall_seconds > 0) {
    timing->set_events_per_second(static_cast<double>(outcome.events) / outcome.wall_seconds);
  }
  return result;
}

proto::Result ToResult(const ReplayOutcome& outcome, const proto::Policy& policy, uint64_t seed,
                       const traces::TraceFacts* facts) {
  proto::Result result = ToMessage(outcome);
  *result.mutable_policy() = policy;
  result.set_seed(seed);
  result.set_version(kVersion);
  if (facts == nullptr) return result;
  *result.mutable_trace() = traces::ToProto(*facts);
  if (facts->recorded_peak_rss_bytes.has_value()) {
    result.mutable_memory()->set_recorded_peak_rss_bytes(*facts->recorded_peak_rss_bytes);
  }
  if (!facts->complete) result.set_complete(false);
  return result;
}

absl::Status CheckReplayable(const traces::TraceReader& reader, absl::string_view path) {
  if (!reader.header().sampled()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path,
                   ": the trace is sampled: each of its events stands for several that are not "
                   "there, so a replay of it would mean little; record every call"));
}

}  // namespace heapsim::sim
