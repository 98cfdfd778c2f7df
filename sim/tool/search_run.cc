#include "sim/tool/search_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analysis/comparison.h"
#include "sim/tool/cell_progress.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/optimizer.h"

namespace heapsim::sim {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// Settings that are over the bound on cost are worse than all others, and the worse the further.
constexpr double kOverBound = 1e6;

// The cells of some traces, summarised by themselves.
proto::Comparison Part(const proto::Comparison& comparison,
                       const std::vector<std::string>& traces) {
  proto::Comparison part;
  for (const proto::Cell& cell : comparison.cells()) {
    if (std::find(traces.begin(), traces.end(), cell.trace()) != traces.end()) {
      *part.add_cells() = cell;
    }
  }
  analysis::Summarise(&part);
  return part;
}

// What a search makes less: infinite where it cannot be told.
double Objective(const proto::PolicySummary& row, const SearchOptions& options) {
  const proto::Ratio* const memory = analysis::RatioIn(row, options.metric);
  const proto::Ratio* const cost = analysis::RatioIn(row, "cost.total_ns");
  if (memory == nullptr || row.failed_cells() > 0) return kNever;
  if (cost == nullptr) {
    return options.cost_weight == 0 && !options.max_cost_ratio.has_value() ? memory->value()
                                                                           : kNever;
  }
  if (options.max_cost_ratio.has_value() && cost->value() > *options.max_cost_ratio) {
    return kOverBound * cost->value();
  }
  return memory->value() * std::pow(cost->value(), options.cost_weight);
}

bool Acceptable(double objective) { return objective < kOverBound; }

}  // namespace

std::vector<bool> DrawHeldBack(size_t traces, double share, uint64_t seed) {
  const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(traces)));
  size_t left = std::clamp<size_t>(wanted, 1, traces - 1);
  std::vector<bool> held_back(traces);
  // Splitmix64 (Steele, Lea, Flood 2014): each subset of that size is as likely as any other.
  uint64_t state = seed;
  for (size_t i = 0; i < traces; ++i) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    if (((z >> 32) * (traces - i)) >> 32 >= left) continue;
    held_back[i] = true;
    --left;
  }
  return held_back;
}

absl::StatusOr<proto::Comparison> RunSearch(const ComparePlan& plan, const SearchSpace& space,
                                            const SearchOptions& options, CellEngine& engine) {
  if (plan.traces.size() < 2) {
    return absl::InvalidArgumentError(
        "--search: one trace is too few, since a part of them is held back to show that a gain is "
        "real; give more");
  }
  proto::Search search;
  search.set_seed(options.seed);
  search.set_metric(options.metric);
  search.set_cost_weight(options.cost_weight);
  if (options.max_cost_ratio.has_value()) search.set_max_cost_ratio(*options.max_cost_ratio);
  ComparePlan part = plan;
  part.keep_series = false;
  part.detail = false;
  part.keep_traces = true;
  part.traces.clear();
  const std::vector<bool> held_back =
      DrawHeldBack(plan.traces.size(), options.hold_back, options.seed);
  for (size_t i = 0; i < plan.traces.size(); ++i) {
    if (held_back[i]) {
      search.add_held_back_traces(plan.traces[i]);
    } else {
      search.add_searched_traces(plan.traces[i]);
      part.traces.push_back(plan.traces[i]);
    }
  }

  const proto::Policy& base = plan.policies[0];
  part.policies = {base};
  ComparePlan all = plan;
  all.policies.insert(all.policies.begin() + 1, base);  // until the best is known
  // The first policy has been run by the time that the search starts with it.
  CellProgress progress(CellCount(part) * (options.evaluations + 1) + CellCount(all));
  const absl::StatusOr<proto::Comparison> run = engine.Run(part, progress);
  if (!run.ok()) return run.status();
  const proto::Comparison& first = *run;
  // What the first policy cannot replay is no measure of any other.
  part.traces.clear();
  for (const proto::Cell& cell : first.cells()) {
    if (cell.status() == analysis::kCellOk &&
        (part.traces.empty() || part.traces.back() != cell.trace())) {
      part.traces.push_back(cell.trace());
    }
  }
  if (part.traces.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--search: ", first.cells(0).trace(), ": ", first.cells(0).status()));
  }

  OptimizerTask task;
  task.start = space.PointOf(base);
  task.evaluations = options.evaluations;
  task.seed = options.seed;
  task.values = [&](absl::Span<const double> point) { return space.ValuesAt(point); };
  absl::Status failure;
  task.stop = [&] { return CatchInterrupt().load() || !failure.ok(); };
  task.evaluate = [&](const Values& values) {
    const absl::StatusOr<proto::Policy> policy = space.With(base, values);
    double objective = kNever;
    if (policy.ok()) {
      part.policies = {*policy};
      const absl::StatusOr<proto::Comparison> tried = engine.Run(part, progress);
      if (tried.ok()) {
        proto::Comparison both = Part(first, part.traces);
        both.MergeFrom(*tried);
        objective = Objective(Part(both, part.traces).summary(1), options);
      }
      failure.Update(tried.status());
    }
    proto::SearchPoint* const point = search.add_points();
    point->set_settings(space.Text(values));
    if (Acceptable(objective)) point->set_objective(objective);
    return objective;
  };
  const std::vector<Evaluation> evaluations = Minimise(task);
  if (!failure.ok()) return failure;
  const Evaluation& best = Best(evaluations);
  absl::StatusOr<proto::Policy> found = space.With(base, best.values);
  if (!found.ok()) return found.status();
  search.set_best(space.Text(best.values));

  all.policies[1] = *found;
  absl::StatusOr<proto::Comparison> comparison = engine.Run(all, progress);
  if (!comparison.ok()) return comparison.status();
  const auto judge = [&](const auto& traces, proto::PolicySummary* row) {
    *row = Part(*comparison, {traces.begin(), traces.end()}).summary(1);
    return Objective(*row, options);
  };
  const double searched = judge(search.searched_traces(), search.mutable_searched());
  const double held = judge(search.held_back_traces(), search.mutable_held_back());
  if (Acceptable(searched)) search.set_searched_objective(searched);
  if (Acceptable(held)) search.set_held_back_objective(held);
  *comparison->mutable_search() = std::move(search);
  return comparison;
}

}  // namespace heapsim::sim
