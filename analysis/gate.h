// Holds a result to limits, and tells why one is broken.
//
// Reading order: limit.h (what a limit is), baseline.h (what it is relative to), this, then
// gate_output.h (how the verdict is written).
#ifndef HEAPSIM_ANALYSIS_GATE_H_
#define HEAPSIM_ANALYSIS_GATE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "analysis/baseline.h"
#include "analysis/limit.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

struct Judgement {
  Limit limit;
  double value = 0;
  std::optional<double> baseline;  // none: there is none, or it lacks the metric
  double bound = 0;
  bool broken = false;
};

struct Verdict {
  std::vector<Judgement> judgements;  // in the order of the limits
  // Sentences that say why the numbers moved, for a verdict with a broken limit.
  std::vector<std::string> reasons;

  int broken() const;
};

// Whether a run can be judged at all: every relative limit has its number in the baseline (null:
// there is none). Asked before hours of simulation.
absl::Status CheckBaseline(absl::Span<const Limit> limits, const Baseline* baseline);

// An error where the result does not know a metric (a policy without parts), or as CheckBaseline.
absl::StatusOr<Verdict> Judge(absl::Span<const Limit> limits, const Baseline* baseline,
                              const proto::Result& result);

// What differs between the two beside the limits: what makes a comparison doubtful. For warnings.
std::vector<std::string> Doubts(const Baseline& baseline, const proto::Result& result);

// Why the numbers moved: settings, the parts and the size classes of the peak that grew (these
// where both sides know them), where the curves part, counters.
std::vector<std::string> ReasonsOf(const Baseline& baseline, const proto::Result& result);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_GATE_H_
