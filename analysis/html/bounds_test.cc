#include "analysis/html/bounds.h"

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

proto::Cell* AddCell(proto::Comparison* comparison, const std::string& policy) {
  proto::Cell* cell = comparison->add_cells();
  cell->set_policy(policy);
  cell->mutable_result()->mutable_memory()->set_peak_rss_bytes(1);
  return cell;
}

TEST(Bounds, AreTheIdealOnes) {
  proto::Comparison comparison;
  AddCell(&comparison, "base");
  AddCell(&comparison, "ideal")
      ->mutable_result()
      ->mutable_policy()
      ->set_engine(proto::ENGINE_IDEAL);
  EXPECT_TRUE(IsBound(comparison, "ideal"));
  EXPECT_FALSE(IsBound(comparison, "base"));
  EXPECT_FALSE(IsBound(comparison, "nobody"));
}

}  // namespace
}  // namespace heapsim::analysis
