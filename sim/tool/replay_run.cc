#include "sim/tool/replay_run.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sim/replay/read_ahead.h"
#include "sim/tool/check_flag.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/progress.h"
#include "sim/tool/result_message.h"
#include "sim/tool/version.h"
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

// A flag that takes one of two words and sets `*is_second`.
void AddChoice(CLI::App& app, const std::string& name, const std::string& first,
               const std::string& second, bool* is_second, const std::string& help) {
  app.add_option_function<std::string>(
         name, [second, is_second](const std::string& value) { *is_second = value == second; },
         help)
      ->check(CLI::IsMember({first, second}));
}

}  // namespace

void ReplayRun::AddFlags(CLI::App& app) {
  trace_.AddFlags(app);
  policy_.AddFlags(app);
  app.add_option("--seed", options_.seed, "of the simulated heap's random numbers")
      ->type_name("N")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--settle",
         [this](const std::string& text) {
           absl::Duration duration;
           if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration() ||
               duration > absl::Hours(24 * 3650)) {
             throw CLI::ValidationError("--settle",
                                        "'" + text + "' is no duration such as 10m or 1h30m");
           }
           options_.settle_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration));
         },
         "simulated time that passes after the last event")
      ->type_name("DURATION");
  AddChoice(app, "--time", "recorded", "events", &options_.time_by_events,
            "the trace's clock, or 1,000 ns an event");
  app.add_option("--samples", options_.samples, "regular samples in the series, at most")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--release-at", options_.release_at,
                 "give memory back right after this event, as freeOSMemory does (repeatable)")
      ->type_name("EVENT")
      ->allow_extra_args(false);
  AddChoice(app, "--on-oom", "stop", "continue", &options_.continue_on_oom,
            "what happens when simulated memory runs out");
  AddCheckFlag(app, &options_.check_every);
}

absl::StatusOr<proto::Result> ReplayRun::Run() {
  // Cheap errors come first: a wrong setting is told before a large trace is read.
  absl::StatusOr<proto::Policy> policy = policy_.Load();
  if (!policy.ok()) return policy.status();
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = trace_.Open();
  if (!reader.ok()) return reader.status();
  if ((*reader)->header().sampled()) {
    return absl::InvalidArgumentError(
        absl::StrCat(trace_.path(),
                     ": the trace is sampled: each of its events stands for several that are not "
                     "there, so a replay of it would mean little; record every call"));
  }

  const traces::TraceFacts* facts = (*reader)->facts();
  Progress progress(facts == nullptr ? 0 : facts->events);
  options_.stop = &CatchInterrupt();
  options_.progress = [&progress](uint64_t events) { progress.Update(events); };
  ReaderSource source(reader->get());
  const auto replay = [&] {
    // Gone before the reader is asked for facts.
    ReadAhead decoded(&source);
    return RunReplay(decoded, *policy, options_);
  };
  absl::StatusOr<ReplayOutcome> outcome = replay();
  if (!outcome.ok()) return outcome.status();

  proto::Result result = ToMessage(*outcome);
  *result.mutable_policy() = *std::move(policy);
  result.set_seed(options_.seed);
  result.set_version(kVersion);
  // A run that ended early from a pipe has not come to the facts, which stand last.
  if (facts = (*reader)->facts(); facts != nullptr) {
    *result.mutable_trace() = traces::ToProto(*facts);
    if (facts->recorded_peak_rss_bytes.has_value()) {
      result.mutable_memory()->set_recorded_peak_rss_bytes(*facts->recorded_peak_rss_bytes);
    }
    if (!facts->complete) result.set_complete(false);
  }
  return result;
}

}  // namespace heapsim::sim
