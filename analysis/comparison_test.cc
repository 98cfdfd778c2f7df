#include "analysis/comparison.h"

#include "analysis/comparison_output.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace heapsim::analysis {
namespace {

void AddCell(const char* trace, const char* policy, uint64_t peak, uint64_t cost,
             proto::Comparison* comparison) {
  proto::Cell* cell = comparison->add_cells();
  cell->set_trace(trace);
  cell->set_policy(policy);
  cell->set_seed(1);
  cell->set_status(kCellOk);
  cell->mutable_result()->mutable_memory()->set_peak_rss_bytes(peak);
  cell->mutable_result()->mutable_os()->set_cost_ns(cost);
  cell->mutable_result()->mutable_cost()->set_total_ns(cost);
  cell->mutable_result()->add_series()->set_event(1);
}

void Fail(proto::Cell* cell) {
  cell->set_status("bad, \"very\"");
  cell->clear_result();
}

proto::Comparison Example() {
  proto::Comparison comparison;
  comparison.set_complete(true);
  AddCell("t1", "base", 100, 100, &comparison);
  AddCell("t1", "lean", 50, 300, &comparison);
  AddCell("t1", "poor", 200, 400, &comparison);
  AddCell("t2", "base", 100, 100, &comparison);
  AddCell("t2", "lean", 200, 300, &comparison);
  AddCell("t2", "poor", 200, 400, &comparison);
  return comparison;
}

TEST(Comparison, CostIsWhereItIsLookedFor) {
  EXPECT_EQ(Criteria()[kCostCriterion].metric, "cost.total_ns");
}

TEST(Comparison, GeometricMeansAndTheWorst) {
  proto::Comparison comparison = Example();
  comparison.mutable_cells(4)->mutable_result()->mutable_memory()->set_peak_rss_bytes(72);
  Summarise(&comparison);
  ASSERT_EQ(comparison.summary_size(), 3);
  EXPECT_EQ(comparison.summary(0).peak_rss_ratio().value(), 1);
  EXPECT_EQ(comparison.summary(0).peak_rss_ratio().low(), 1);
  const proto::PolicySummary& lean = comparison.summary(1);
  EXPECT_EQ(lean.policy(), "lean");
  EXPECT_EQ(lean.traces(), 2u);
  EXPECT_EQ(lean.peak_rss_ratio().value(), 0.6);  // sqrt(0.5 * 0.72)
  EXPECT_EQ(lean.peak_rss_ratio().low(), 0.5);    // both draws are t1
  EXPECT_EQ(lean.peak_rss_ratio().high(), 0.72);
  EXPECT_EQ(lean.cost_ratio().value(), 3);
  EXPECT_EQ(lean.worst_trace(), "t2");
  EXPECT_EQ(lean.worst_peak_rss_ratio(), 0.72);
  EXPECT_FALSE(lean.has_fragmentation_ratio());
  EXPECT_TRUE(comparison.summary(0).pareto());
  EXPECT_TRUE(lean.pareto());
  EXPECT_FALSE(comparison.summary(2).pareto());
}

TEST(Comparison, IntervalIsThatOfTheTraces) {
  std::vector<double> ratios;
  for (int i = 0; i < 100; ++i) ratios.push_back(i % 2 == 0 ? 0.5 : 2);
  const proto::Ratio mean = GeometricMean(ratios, 1);
  EXPECT_NEAR(mean.value(), 1, 1e-9);
  // The standard error is log(2) / 10: the interval is exp(+-1.96 * 0.0693).
  EXPECT_NEAR(mean.low(), 0.873, 0.03);
  EXPECT_NEAR(mean.high(), 1.146, 0.03);
  EXPECT_EQ(mean.SerializeAsString(), GeometricMean(ratios, 1).SerializeAsString());
  EXPECT_NE(mean.SerializeAsString(), GeometricMean(ratios, 2).SerializeAsString());
}

TEST(Comparison, Zeros) {
  EXPECT_EQ(RatioOf(0, 0), 1);
  EXPECT_EQ(RatioOf(0, 5), 0);
  EXPECT_EQ(RatioOf(5, 0), std::nullopt);
  EXPECT_EQ(GeometricMean({0, 1}, 1).value(), 0);
}

TEST(Comparison, FailedCellsLeaveTheRestComparable) {
  proto::Comparison comparison = Example();
  Fail(comparison.mutable_cells(4));  // t2, lean
  Summarise(&comparison);
  const proto::PolicySummary& lean = comparison.summary(1);
  EXPECT_EQ(lean.traces(), 1u);
  EXPECT_EQ(lean.failed_cells(), 1u);
  EXPECT_EQ(lean.peak_rss_ratio().value(), 0.5);
  EXPECT_FALSE(lean.pareto());
  EXPECT_EQ(comparison.summary(2).traces(), 2u);
  // A trace that nobody could read is no reason to leave anybody out.
  for (int i = 3; i < 6; ++i) Fail(comparison.mutable_cells(i));
  Summarise(&comparison);
  EXPECT_TRUE(comparison.summary(1).pareto());
  for (int i = 0; i < 3; ++i) Fail(comparison.mutable_cells(i));
  Summarise(&comparison);
  EXPECT_FALSE(comparison.summary(1).has_peak_rss_ratio());
  EXPECT_FALSE(comparison.summary(0).pareto());
}

TEST(Comparison, LowerBoundsAreNoRivals) {
  proto::Comparison comparison = Example();
  for (proto::Cell& cell : *comparison.mutable_cells()) {
    if (cell.policy() != "lean") continue;
    cell.mutable_result()->mutable_memory()->set_peak_rss_bytes(10);
    cell.mutable_result()->mutable_cost()->set_total_ns(1);
    cell.mutable_result()->mutable_policy()->set_engine(proto::ENGINE_IDEAL);
  }
  Summarise(&comparison);
  EXPECT_FALSE(comparison.summary(0).pareto());
  EXPECT_TRUE(comparison.summary(0).pareto_of_allocators());
  EXPECT_TRUE(comparison.summary(1).pareto());
  EXPECT_FALSE(comparison.summary(1).pareto_of_allocators());
  EXPECT_FALSE(comparison.summary(2).pareto_of_allocators());
}

// What is first need not cost anything, or have a cost that is known.
TEST(Comparison, AllocatorsAreWeighedWhateverIsFirst) {
  for (const bool bound : {true, false}) {
    proto::Comparison comparison;
    AddCell("t", "first", 50, 0, &comparison);
    if (bound) {
      comparison.mutable_cells(0)->mutable_result()->mutable_policy()->set_engine(
          proto::ENGINE_IDEAL);
    } else {
      comparison.mutable_cells(0)->mutable_result()->clear_cost();
    }
    AddCell("t", "base", 100, 10, &comparison);
    AddCell("t", "small", 80, 12, &comparison);
    AddCell("t", "worse", 100, 12, &comparison);
    Summarise(&comparison);
    std::vector<bool> front;
    for (const proto::PolicySummary& row : comparison.summary()) {
      front.push_back(row.pareto_of_allocators());
    }
    EXPECT_EQ(front, (std::vector<bool>{false, true, true, false})) << bound;
    EXPECT_FALSE(comparison.summary(1).pareto());
    EXPECT_FALSE(comparison.summary(1).has_total_cost_ratio());
  }
}

TEST(Comparison, SeedsOfATraceCountAsOne) {
  proto::Comparison comparison;
  AddCell("t", "base", 100, 1, &comparison);
  AddCell("t", "base", 300, 1, &comparison);
  AddCell("t", "lean", 100, 1, &comparison);
  Summarise(&comparison);
  EXPECT_EQ(CellTable(comparison).Value("t", "base", kPeakCriterion), 200);
  EXPECT_EQ(comparison.summary(1).peak_rss_ratio().value(), 0.5);
  EXPECT_EQ(comparison.summary(1).traces(), 1u);
}

TEST(ComparisonOutput, Json) {
  proto::Comparison comparison = Example();
  Fail(comparison.mutable_cells(4));
  Summarise(&comparison);
  const auto json = nlohmann::json::parse(ComparisonJson(comparison));
  ASSERT_EQ(json["cells"].size(), 6u);
  EXPECT_EQ(json["cells"][0]["result"]["memory"]["peak_rss_bytes"], 100);
  EXPECT_FALSE(json["cells"][0]["result"].contains("series"));
  EXPECT_EQ(json["cells"][4]["status"], "bad, \"very\"");
  EXPECT_TRUE(json["cells"][4]["result"].is_null());
  EXPECT_EQ(json["summary"][1]["peak_rss_ratio"]["value"], 0.5);
  EXPECT_TRUE(json["summary"][1]["fragmentation_ratio"].is_null());
  EXPECT_EQ(json["summary"][0]["pareto"], true);
}

TEST(ComparisonOutput, TableAndCsv) {
  proto::Comparison comparison = Example();
  Fail(comparison.mutable_cells(4));
  Summarise(&comparison);
  const std::string table = ComparisonTable(comparison);
  EXPECT_NE(table.find("Failed: 1 of 6 cells\n  t2, lean, seed 1: bad"), std::string::npos)
      << table;
  EXPECT_NE(table.find("0.500 [0.500, 0.500]"), std::string::npos) << table;
  const std::string csv = ComparisonCsv(comparison);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
  EXPECT_NE(csv.find("\nt2,lean,1,\"bad, \"\"very\"\"\",,"), std::string::npos) << csv;
}

// What a search found is only said to hold elsewhere where its interval says so.
TEST(ComparisonOutput, ASearchsGainIsAsSureAsItsInterval) {
  proto::Comparison comparison = Example();
  proto::Search& search = *comparison.mutable_search();
  search.set_metric("memory.peak_rss_bytes");
  search.set_searched_objective(0.8);
  search.set_held_back_objective(0.9);
  proto::PolicySummary& held_back = *search.mutable_held_back();
  proto::Ratio& ratio = *held_back.mutable_peak_rss_ratio();
  ratio.set_value(0.9);
  ratio.set_low(0.8);
  const auto says = [&](double high, int traces, const char* what) {
    ratio.set_high(high);
    held_back.set_traces(traces);
    const std::string table = ComparisonTable(comparison);
    return table.find(what) != std::string::npos ? "" : table;
  };
  EXPECT_EQ(says(0.95, 4, "The gain is there on the traces held back, too."), "");
  EXPECT_EQ(says(1.02, 4, "but not surely: the interval holds 1."), "");
  EXPECT_EQ(says(0.9, 1, "how surely is not known."), "");
}

}  // namespace
}  // namespace heapsim::analysis
