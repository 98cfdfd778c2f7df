#include "sim/replay/detail_run.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sim/replay/trace_history.h"

namespace heapsim::sim {
namespace {

absl::StatusOr<DetailOptions> Resolve(const DetailRequest& request, const ReplayOutcome& first) {
  DetailOptions options = request.options;
  const uint64_t end_ns = first.series.empty() ? 0 : first.series.back().time_ns;
  for (Moment& moment : options.moments) {
    if (moment.kind == Moment::Kind::kPeak) moment.value = first.peak_rss;
    if (moment.kind == Moment::Kind::kEvent && moment.value > first.events) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no event ", moment.value, ": the run has ", first.events));
    }
    if (moment.kind == Moment::Kind::kTime && moment.value > end_ns) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no moment ", moment.label, ": the run ends at ", end_ns, "ns"));
    }
  }
  uint64_t last = 0;
  for (uint32_t i = 1; i <= request.samples; ++i) {
    const auto event = static_cast<uint64_t>(static_cast<unsigned __int128>(first.events) * i /
                                             (request.samples + uint64_t{1}));
    if (event == last) continue;
    options.moments.push_back({Moment::Kind::kEvent, event, "sample"});
    last = event;
  }
  return options;
}

}  // namespace

absl::StatusOr<ReplayOutcome> RunReplayWithDetail(const OpenBlocks& open,
                                                  const proto::Policy& policy,
                                                  const ReplayOptions& options,
                                                  const DetailRequest& request) {
  absl::StatusOr<std::unique_ptr<BlockSource>> source = open();
  if (!source.ok()) return source.status();
  absl::StatusOr<ReplayOutcome> first = RunReplay(**source, policy, options);
  source->reset();
  const auto stopped = [&] {
    return options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
  };
  if (!first.ok() || stopped()) return first;
  absl::StatusOr<DetailOptions> detail = Resolve(request, *first);
  if (!detail.ok()) return detail.status();

  source = open();
  if (!source.ok()) return source.status();
  ReplayOptions again = options;
  again.detail = &*detail;
  absl::StatusOr<ReplayOutcome> second = RunReplay(**source, policy, again);
  source->reset();
  if (!second.ok()) return second;
  if (second->state_hash != first->state_hash && !stopped()) {
    return absl::InternalError(
        "the run that looked at the heap is not the run that did not: please report this");
  }
  if (!second->detail.has_value()) second->detail.emplace();
  // Of the events that were replayed: the block in which a run ends is the last one.
  source = open();
  if (!source.ok()) return source.status();
  TraceHistory history(first->events, options.time_by_events);
  for (traces::EventBlock block; block.first_event + block.count <= first->events;) {
    const absl::StatusOr<bool> more = (*source)->Next(&block);
    if (!more.ok()) return more.status();
    if (!*more || stopped()) break;
    history.Add(block);
  }
  history.Finish(request.call_sites, &*second->detail);
  second->wall_seconds = first->wall_seconds;
  return second;
}

}  // namespace heapsim::sim
