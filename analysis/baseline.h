// What a run is compared with: the JSON of an earlier one, or the part of it that is worth keeping
// in a repository.
#ifndef HEAPSIM_ANALYSIS_BASELINE_H_
#define HEAPSIM_ANALYSIS_BASELINE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

struct Baseline {
  std::string path;
  std::string version;  // of the program that made it; empty where it does not say
  // By the names of MetricNames(), those with a number only.
  std::map<std::string, double> metrics;
  // Settings of the policy and its name, by path, as JSON text.
  std::map<std::string, std::string> policy;
  // Resident bytes of the largest size classes at the peak, by name; empty where the file keeps
  // none.
  std::map<std::string, uint64_t> size_classes;
  // Bytes that the call sites which pin most do pin at the peak, by name; empty as above.
  std::map<std::string, uint64_t> call_sites;
  // Empty where the file keeps none.
  std::vector<proto::Sample> series;

  std::optional<double> Find(absl::string_view metric) const;
};

// Reads what `replay --json` or BaselineText wrote, of any version: keys that nobody knows are
// passed over, those that are missing are missing. Errors name the file and the key.
absl::StatusOr<Baseline> ParseBaseline(absl::string_view path, absl::string_view text);

// A baseline that can be reviewed in a diff: sorted keys, a number a line, of the series 16 points
// of RSS, no timing. Of the parts `trace` and `heap` it holds the few that identify the trace, and
// what is in `more`; of a snapshot of the peak the largest size classes and call sites.
std::string BaselineText(const proto::Result& result, absl::Span<const std::string> more);

// Resident bytes of all size classes at the peak, by name; empty where the result has no snapshot
// of it.
std::map<std::string, uint64_t> SizeClassesOf(const proto::Result& result);

// Bytes pinned by call sites at the peak, by name; empty also where the trace has no call sites.
std::map<std::string, uint64_t> CallSitesOf(const proto::Result& result);

// The settings of a policy by path, as a Baseline holds them.
std::map<std::string, std::string> PolicySettings(const proto::Policy& policy);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_BASELINE_H_
