// Many results beside each other: which policy is better, by how much, how sure that is.
//
// Reading order: proto/comparison.proto, this, comparison_output.h.
#ifndef HEAPSIM_ANALYSIS_COMPARISON_H_
#define HEAPSIM_ANALYSIS_COMPARISON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/comparison.pb.h"

namespace heapsim::analysis {

// The status of a cell that has a result to compare.
inline constexpr char kCellOk[] = "ok";

// What policies are compared by, in the order of tables.
struct Criterion {
  const char* metric;   // of a result
  const char* heading;  // of a column
  // Where the ratio stands in a summary.
  const proto::Ratio& (proto::PolicySummary::*get)() const;
  bool (proto::PolicySummary::*has)() const;
  proto::Ratio* (proto::PolicySummary::*mutate)();
};
absl::Span<const Criterion> Criteria();
// A summary's ratio of a metric; null where it has none.
const proto::Ratio* RatioIn(const proto::PolicySummary& summary, absl::string_view metric);
inline constexpr size_t kPeakCriterion = 0;
inline constexpr size_t kCostCriterion = 5;

// Policies and traces in the order in which the cells name them first.
std::vector<std::string> PoliciesOf(const proto::Comparison& comparison);
std::vector<std::string> TracesOf(const proto::Comparison& comparison);

// What the cells of a comparison say by trace, policy and criterion; the mean over the seeds. Holds
// names of the comparison, which must outlive it.
class CellTable {
 public:
  explicit CellTable(const proto::Comparison& comparison);

  const std::vector<std::string>& traces() const { return traces_; }
  const std::vector<std::string>& policies() const { return policies_; }

  // Whether there are cells of a trace and policy and all went well.
  bool IsOk(absl::string_view trace, absl::string_view policy) const;
  // None where a cell failed or does not know it. `criterion` is an index into Criteria().
  std::optional<double> Value(absl::string_view trace, absl::string_view policy,
                              size_t criterion) const;
  // To the value of another policy, or of the first.
  std::optional<double> RatioTo(absl::string_view base, absl::string_view trace,
                                absl::string_view policy, size_t criterion) const;
  std::optional<double> Ratio(absl::string_view trace, absl::string_view policy,
                              size_t criterion) const {
    return RatioTo(policies_[0], trace, policy, criterion);
  }

 private:
  using Place = std::pair<absl::string_view, absl::string_view>;

  std::vector<std::string> traces_;
  std::vector<std::string> policies_;
  std::set<Place> failed_;
  std::map<Place, std::vector<std::optional<double>>> means_;
};

// What one value is of another: 1 for two zeros, none for a number against zero.
std::optional<double> RatioOf(double value, double base);

// The geometric mean of `ratios` (not empty), with the 95 % percentile interval of 2,000 bootstrap
// samples drawn by `seed`. All three are rounded to nine digits, so that they are the same on any
// machine, whatever its logarithm does with the last bit.
proto::Ratio GeometricMean(const std::vector<double>& ratios, uint64_t seed);

// Fills `summary`, a policy a row, from `cells`. The same cells give the same summary.
void Summarise(proto::Comparison* comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_COMPARISON_H_
