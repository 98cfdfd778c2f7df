// Looks for the least value of a function of whole numbers that is dear to evaluate.
#ifndef HEAPSIM_SIM_TOOL_OPTIMIZER_H_
#define HEAPSIM_SIM_TOOL_OPTIMIZER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/span.h"

namespace heapsim::sim {

using Values = std::vector<int64_t>;

struct OptimizerTask {
  std::vector<double> start;  // in the unit cube, whose dimension it tells
  size_t evaluations = 1;     // of different values, at most
  uint64_t seed = 1;
  // What a point of the cube stands for. Many points may stand for the same.
  std::function<Values(absl::Span<const double>)> values;
  std::function<double(const Values&)> evaluate;
  std::function<bool()> stop;  // ends the search with what it has
};

struct Evaluation {
  Values values;
  double objective;
};

// The evaluations in their order, the first that of `start`; no values twice. NLopt's DIRECT-L
// looks over the whole cube for two thirds of the evaluations, then its Sbplx around the best. The
// same task gives the same evaluations; not to be called by two threads at the same time.
std::vector<Evaluation> Minimise(const OptimizerTask& task);

// The least objective, the first of equals.
const Evaluation& Best(const std::vector<Evaluation>& evaluations);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_OPTIMIZER_H_
