#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analysis/comparison.h"
#include "analysis/html/answer.h"
#include "analysis/html/bounds.h"

namespace heapsim::analysis {
namespace {

using proto::PolicySummary;

std::string Percent(double ratio) {
  const double percent = 100 * (ratio - 1);
  if (std::abs(percent) < 0.05) return "as much as";
  // Past the double a ratio reads better.
  if (ratio >= 2) return absl::StrFormat("%.1f times that of", ratio);
  return absl::StrFormat(percent < 0 ? "%.1f %% less than" : "%.1f %% more than",
                         std::abs(percent));
}

// "12.0 % less than go1.10 (95 % interval -15.0 % to -9.1 %)".
std::string Against(const proto::Ratio& ratio, const std::string& base, bool interval) {
  std::string out = absl::StrCat(Percent(ratio.value()), " ", base);
  if (interval) {
    absl::StrAppendFormat(&out, " (95 %% interval %+.1f %% to %+.1f %%)", 100 * (ratio.low() - 1),
                          100 * (ratio.high() - 1));
  }
  return out;
}

std::string Traces(size_t count) { return absl::StrCat(count, count == 1 ? " trace" : " traces"); }

std::string BestText(const proto::Comparison& comparison,
                     const std::vector<const PolicySummary*>& choices) {
  const std::string& base = comparison.summary(0).policy();
  const PolicySummary& best = **std::min_element(
      choices.begin(), choices.end(), [](const PolicySummary* a, const PolicySummary* b) {
        return a->peak_rss_ratio().value() < b->peak_rss_ratio().value();
      });
  std::string out;
  if (best.policy() == base) {
    absl::StrAppend(&out, "No policy needs less memory than ", base, " over ",
                    Traces(best.traces()));
  } else {
    absl::StrAppend(&out, best.policy(), " needs the least memory over ", Traces(best.traces()),
                    ": a peak RSS ", Against(best.peak_rss_ratio(), base, best.traces() > 1));
    if (best.has_total_cost_ratio()) {
      absl::StrAppend(&out, ", at a total cost ", Against(best.total_cost_ratio(), base, false));
    }
  }
  return out + ".";
}

std::string FrontText(const proto::Comparison& comparison,
                      const std::vector<const PolicySummary*>& choices) {
  std::vector<std::string> front;
  for (const PolicySummary& row : comparison.summary()) {
    if (row.pareto_of_allocators()) front.push_back(row.policy());
  }
  if (choices.size() < 2 || front.empty()) return "";
  if (front.size() > 4) {
    return absl::StrCat(" ", front.size(), " of ", choices.size(),
                        " policies are beaten by none in both memory and cost.");
  }
  return absl::StrCat(" Beaten by none in both memory and cost: ", absl::StrJoin(front, ", "), ".");
}

std::string BoundText(const proto::Comparison& comparison) {
  for (const PolicySummary& row : comparison.summary()) {
    if (!row.has_peak_rss_ratio() || !IsBound(comparison, row.policy())) continue;
    return absl::StrFormat(" No allocator can go below %.2f of %s's (%s).",
                           row.peak_rss_ratio().value(), comparison.summary(0).policy(),
                           row.policy());
  }
  return "";
}

}  // namespace

std::string Answer(const proto::Comparison& comparison) {
  std::string out;
  if (!comparison.complete()) out += "The comparison was interrupted. ";
  std::vector<const PolicySummary*> choices;
  for (const PolicySummary& row : comparison.summary()) {
    if (row.has_peak_rss_ratio() && !IsBound(comparison, row.policy())) choices.push_back(&row);
  }
  if (choices.empty()) {
    out += "No policy could be compared with another: every ratio is unknown.";
  } else if (choices.size() == 1) {
    absl::StrAppend(&out, choices[0]->policy(), " is the only policy that could be compared, over ",
                    Traces(choices[0]->traces()), ".");
  } else {
    absl::StrAppend(&out, BestText(comparison, choices), FrontText(comparison, choices));
  }
  if (!choices.empty()) out += BoundText(comparison);
  const auto failed =
      std::count_if(comparison.cells().begin(), comparison.cells().end(),
                    [](const proto::Cell& cell) { return cell.status() != kCellOk; });
  if (failed != 0) {
    absl::StrAppend(&out, " ", failed, " of ", comparison.cells_size(),
                    failed == 1 ? " cells failed and is" : " cells failed and are", " left out.");
  }
  return out;
}

}  // namespace heapsim::analysis
