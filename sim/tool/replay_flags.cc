#include "sim/tool/replay_flags.h"

#include <CLI/CLI.hpp>
#include <string>

#include "absl/time/time.h"
#include "sim/tool/check_flag.h"

namespace heapsim::sim {
namespace {

// A flag that takes one of two words and sets `*is_second`.
void AddChoice(CLI::App& app, const std::string& name, const std::string& first,
               const std::string& second, bool* is_second, const std::string& help) {
  app.add_option_function<std::string>(
         name, [second, is_second](const std::string& value) { *is_second = value == second; },
         help)
      ->check(CLI::IsMember({first, second}));
}

}  // namespace

void ReplayFlags::AddSeed(CLI::App& app) {
  app.add_option("--seed", options_.seed, "of the simulated heap's random numbers")
      ->type_name("N")
      ->capture_default_str();
}

void ReplayFlags::AddFlags(CLI::App& app) {
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

}  // namespace heapsim::sim
