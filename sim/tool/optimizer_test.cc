#include "sim/tool/optimizer.h"

#include <cmath>
#include <set>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

// Two numbers from 0 to 1000; a valley with the least value, 1, at (700, 250), and a lesser one.
OptimizerTask Valleys(size_t evaluations, uint64_t seed = 1) {
  OptimizerTask task;
  task.start = {0.1, 0.9};
  task.evaluations = evaluations;
  task.seed = seed;
  task.values = [](absl::Span<const double> point) {
    return Values{std::llround(point[0] * 1000), std::llround(point[1] * 1000)};
  };
  task.evaluate = [](const Values& at) {
    const auto valley = [&](double x, double y, double floor) {
      const double dx = (static_cast<double>(at[0]) - x) / 1000;
      const double dy = (static_cast<double>(at[1]) - y) / 1000;
      return floor + dx * dx + dy * dy;
    };
    return std::min(valley(700, 250, 1), valley(100, 900, 1.2));
  };
  task.stop = [] { return false; };
  return task;
}

TEST(Optimizer, FindsTheValley) {
  const std::vector<Evaluation> evaluations = Minimise(Valleys(60));
  EXPECT_LE(evaluations.size(), 60u);
  EXPECT_EQ(evaluations[0].values, (Values{100, 900}));
  EXPECT_LT(Best(evaluations).objective, 1.001);
}

TEST(Optimizer, NoValuesTwiceAndTheSameAgain) {
  const std::vector<Evaluation> one = Minimise(Valleys(40)), two = Minimise(Valleys(40));
  std::set<Values> seen;
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(seen.insert(one[i].values).second);
    EXPECT_EQ(one[i].values, two[i].values);
  }
}

TEST(Optimizer, SmallSpaceEnds) {
  OptimizerTask task = Valleys(1000);
  task.values = [](absl::Span<const double> point) {
    return Values{std::llround(point[0]) * 1000, std::llround(point[1]) * 1000};
  };
  const std::vector<Evaluation> evaluations = Minimise(task);
  EXPECT_EQ(evaluations.size(), 4u);
  EXPECT_EQ(Best(evaluations).values, (Values{1000, 0}));
}

TEST(Optimizer, FewEvaluations) {
  EXPECT_EQ(Minimise(Valleys(1)).size(), 1u);
  EXPECT_EQ(Minimise(Valleys(2)).size(), 2u);
}

TEST(Optimizer, Stops) {
  OptimizerTask task = Valleys(40);
  int left = 5;
  task.stop = [&] { return left-- <= 0; };
  EXPECT_LE(Minimise(task).size(), 6u);
}

}  // namespace
}  // namespace heapsim::sim
