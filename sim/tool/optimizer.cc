#include "sim/tool/optimizer.h"

#include <nlopt.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace heapsim::sim {
namespace {

// A step of the local search at first, in sides of the cube.
constexpr double kFirstStep = 0.1;
// NLopt is asked to stop when it comes back to known values so often for each new one.
constexpr size_t kPointsPerEvaluation = 50;

class Search {
 public:
  explicit Search(const OptimizerTask& task) : task_(task) {}

  // The objective at a point: evaluated, or known.
  double At(absl::Span<const double> point) {
    const Values values = task_.values(point);
    const auto [known, is_new] = known_.emplace(values, 0);
    if (is_new) {
      known->second = task_.evaluate(values);
      evaluations_.push_back({values, known->second});
      if (&Best(evaluations_) == &evaluations_.back()) best_.assign(point.begin(), point.end());
    }
    return known->second;
  }

  // Runs an algorithm of NLopt until there are `evaluations`.
  void Run(nlopt_algorithm algorithm, size_t evaluations) {
    if (Over(evaluations)) return;
    const auto dimensions = static_cast<unsigned>(task_.start.size());
    const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> opt(nlopt_create(algorithm, dimensions),
                                                                nlopt_destroy);
    opt_ = opt.get();
    limit_ = evaluations;
    nlopt_set_lower_bounds1(opt_, 0);
    nlopt_set_upper_bounds1(opt_, 1);
    nlopt_set_initial_step1(opt_, kFirstStep);
    nlopt_set_maxeval(opt_,
                      static_cast<int>(std::min<size_t>(
                          (evaluations - evaluations_.size()) * kPointsPerEvaluation, 1000000)));
    nlopt_set_min_objective(opt_, Objective, this);
    std::vector<double> point = best_;
    double least = 0;
    // What it returns is known: the evaluations.
    nlopt_optimize(opt_, point.data(), &least);
    opt_ = nullptr;
  }

  std::vector<Evaluation> TakeEvaluations() { return std::move(evaluations_); }

 private:
  bool Over(size_t evaluations) const { return evaluations_.size() >= evaluations || task_.stop(); }

  static double Objective(unsigned dimensions, const double* point, double*, void* self) {
    Search& search = *static_cast<Search*>(self);
    if (search.Over(search.limit_)) {
      nlopt_force_stop(search.opt_);
      return 0;
    }
    return search.At(absl::MakeConstSpan(point, dimensions));
  }

  const OptimizerTask& task_;
  std::map<Values, double> known_;
  std::vector<Evaluation> evaluations_;
  std::vector<double> best_;  // the point of the best
  nlopt_opt opt_ = nullptr;
  size_t limit_ = 0;
};

}  // namespace

std::vector<Evaluation> Minimise(const OptimizerTask& task) {
  nlopt_srand(static_cast<unsigned long>(task.seed));
  Search search(task);
  search.At(task.start);
  search.Run(NLOPT_GN_DIRECT_L_RAND, task.evaluations - task.evaluations / 3);
  search.Run(NLOPT_LN_SBPLX, task.evaluations);
  return search.TakeEvaluations();
}

const Evaluation& Best(const std::vector<Evaluation>& evaluations) {
  return *std::min_element(
      evaluations.begin(), evaluations.end(),
      [](const Evaluation& a, const Evaluation& b) { return a.objective < b.objective; });
}

}  // namespace heapsim::sim
