#include "analysis/html/bounds.h"

#include "analysis/comparison.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using ::testing::ElementsAre;

proto::Cell* AddCell(proto::Comparison* comparison, const std::string& policy, uint64_t peak,
                     uint64_t cost) {
  proto::Cell* cell = comparison->add_cells();
  cell->set_trace("t");
  cell->set_policy(policy);
  cell->set_status(kCellOk);
  cell->mutable_result()->mutable_memory()->set_peak_rss_bytes(peak);
  cell->mutable_result()->mutable_os()->set_cost_ns(cost);
  return cell;
}

TEST(Bounds, DoNotBeatAllocators) {
  proto::Comparison comparison;
  AddCell(&comparison, "base", 100, 10);
  AddCell(&comparison, "small", 80, 12);
  AddCell(&comparison, "worse", 100, 12);
  AddCell(&comparison, "ideal", 50, 1)
      ->mutable_result()
      ->mutable_policy()
      ->set_engine(proto::ENGINE_IDEAL);
  Summarise(&comparison);
  EXPECT_TRUE(IsBound(comparison, "ideal"));
  EXPECT_FALSE(IsBound(comparison, "base"));
  EXPECT_FALSE(IsBound(comparison, "nobody"));
  EXPECT_THAT(FrontOfAllocators(comparison), ElementsAre("base", "small"));
}

TEST(Bounds, WithoutOneTheFrontIsTheSummarys) {
  proto::Comparison comparison;
  AddCell(&comparison, "base", 100, 10);
  AddCell(&comparison, "other", 120, 9);
  AddCell(&comparison, "worse", 130, 11);
  Summarise(&comparison);
  std::set<std::string> front;
  for (const auto& row : comparison.summary()) {
    if (row.pareto()) front.insert(row.policy());
  }
  EXPECT_EQ(FrontOfAllocators(comparison), front);
  EXPECT_THAT(front, ElementsAre("base", "other"));
  EXPECT_TRUE(FrontOfAllocators(proto::Comparison()).empty());
}

}  // namespace
}  // namespace heapsim::analysis
