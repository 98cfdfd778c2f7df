// The numbers of a result by name: what limits are set on and baselines hold.
#ifndef HEAPSIM_ANALYSIS_METRICS_H_
#define HEAPSIM_ANALYSIS_METRICS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

struct Metric {
  std::string name;             // "memory.peak_rss_bytes"
  std::optional<double> value;  // none: unknown
};

// Every number in the parts of a result, in the order of the message. Left out are the settings of
// the policy, the series, `detail`, and `timing`, which no two runs have in common.
std::vector<Metric> MetricsOf(const proto::Result& result);

std::vector<std::string> MetricNames();

// The value of a metric; none where it is unknown or there is no such metric.
std::optional<double> MetricOf(const proto::Result& result, absl::string_view name);

// "5,345,280" for whole numbers, "5,345,280.7" (cut) for large ones, else six digits.
std::string MetricText(double value);

// "+6.1 %", or "new" where there was nothing before.
std::string ChangeText(double before, double now);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_METRICS_H_
