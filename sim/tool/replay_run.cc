#include "sim/tool/replay_run.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "sim/native/allocators.h"
#include "sim/native/native_replay.h"
#include "sim/replay/read_ahead.h"
#include "sim/tool/call_frames.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/progress.h"
#include "sim/tool/repeated_trace.h"
#include "sim/tool/result_message.h"
#include "traces/facts.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {
namespace {

class ReaderSource : public BlockSource {
 public:
  explicit ReaderSource(traces::TraceReader* reader) : reader_(reader) {}
  absl::StatusOr<bool> Next(traces::EventBlock* block) override { return reader_->Next(block); }

 private:
  traces::TraceReader* reader_;
};

// Everything between a reader and a run, so that it ends in the right order.
class OpenedBlocks : public BlockSource {
 public:
  OpenedBlocks(std::unique_ptr<traces::TraceReader> reader,
               std::unique_ptr<traces::TraceReader>* give_back)
      : reader_(std::move(reader)),
        source_(reader_.get()),
        ahead_(std::in_place, &source_),
        give_back_(give_back) {}
  ~OpenedBlocks() override {
    ahead_.reset();
    *give_back_ = std::move(reader_);
  }
  absl::StatusOr<bool> Next(traces::EventBlock* block) override { return ahead_->Next(block); }

 private:
  std::unique_ptr<traces::TraceReader> reader_;
  ReaderSource source_;
  std::optional<ReadAhead> ahead_;
  std::unique_ptr<traces::TraceReader>* give_back_;
};

}  // namespace

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
  ReaderSource source(reader->get());
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
  RepeatedTrace& trace = repeated_;
  Progress progress(0);
  ReplayOptions options = flags_.options();
  options.stop = &CatchInterrupt();
  options.progress = [&progress](uint64_t events) { progress.Update(events); };
  std::unique_ptr<traces::TraceReader> last;
  const auto open = [&]() -> absl::StatusOr<std::unique_ptr<BlockSource>> {
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = trace.Open();
    if (!reader.ok()) return reader.status();
    if (absl::Status s = CheckReplayable(**reader, trace_.path()); !s.ok()) return s;
    return std::make_unique<OpenedBlocks>(*std::move(reader), &last);
  };
  absl::StatusOr<ReplayOutcome> outcome = RunReplayWithDetail(open, *policy, options, request);
  if (!outcome.ok()) return outcome.status();
  if (outcome->detail.has_value()) NameFrames(*last, &*outcome->detail);
  return ToResult(*outcome, *policy, options.seed, last->facts());
}

}  // namespace heapsim::sim
