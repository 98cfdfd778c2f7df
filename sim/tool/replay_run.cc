#include "sim/tool/replay_run.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "sim/native/allocators.h"
#include "sim/native/native_replay.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/read_ahead.h"
#include "sim/tool/call_frames.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/progress.h"
#include "sim/tool/repeated_trace.h"
#include "sim/tool/result_message.h"
#include "traces/facts.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

void ReplayRun::AddFlags(CLI::App& app, bool several_policies) {
  trace_.AddFlags(app);
  policy_.AddFlags(app, several_policies);
  flags_.AddSeed(app);
  flags_.AddFlags(app);
}

absl::StatusOr<proto::Result> ReplayRun::Run() {
  // Cheap errors come first: a wrong setting is told before a large trace is read.
  absl::StatusOr<proto::Policy> policy = policy_.Load();
  if (!policy.ok()) return policy.status();
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = trace_.Open();
  if (!reader.ok()) return reader.status();
  if (absl::Status status = CheckReplayable(**reader, trace_.path()); !status.ok()) return status;

  const traces::TraceFacts* facts = (*reader)->facts();
  Progress progress(facts == nullptr ? 0 : facts->events);
  ReplayOptions options = flags_.options();
  options.stop = &CatchInterrupt();
  options.progress = [&progress](uint64_t events) { progress.Update(events); };
  TraceBlocks source(reader->get());
  const auto replay = [&] {
    // Gone before the reader is asked for facts.
    ReadAhead decoded(&source);
    return RunAnyReplay(decoded, *policy, options);
  };
  absl::StatusOr<ReplayOutcome> outcome = replay();
  if (!outcome.ok()) return outcome.status();
  // A run that ended early from a pipe has not come to the facts, which stand last.
  return ToResult(*outcome, *policy, options.seed, (*reader)->facts());
}

absl::StatusOr<bool> ReplayRun::HasDetail() const {
  absl::StatusOr<proto::Policy> policy = policy_.Load(0);
  if (!policy.ok()) return policy.status();
  return !IsNative(*policy);
}

absl::StatusOr<proto::Result> ReplayRun::RunWithDetail(const DetailRequest& request, size_t which) {
  absl::StatusOr<proto::Policy> policy = policy_.Load(which);
  if (!policy.ok()) return policy.status();
  Progress progress(0);
  ReplayOptions options = flags_.options();
  options.stop = &CatchInterrupt();
  options.progress = [&progress](uint64_t events) { progress.Update(events); };
  absl::StatusOr<ReplayOutcome> outcome =
      RunReplayWithDetail([&] { return repeated_.Open(); }, *policy, options, request);
  if (!outcome.ok()) return outcome.status();
  if (outcome->detail.has_value()) NameFrames(*repeated_.reader(), &*outcome->detail);
  return ToResult(*outcome, *policy, options.seed, repeated_.reader()->facts());
}

}  // namespace heapsim::sim
