#include "analysis/html/answer.h"

#include "analysis/comparison.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMiB = 1 << 20;

proto::Result ARun() {
  proto::Result result;
  result.set_complete(true);
  result.mutable_trace()->set_events(1000);
  result.mutable_trace()->set_complete(true);
  result.mutable_memory()->set_peak_rss_bytes(10 * kMiB);
  result.mutable_fragmentation()->set_rss_over_live_at_peak_rss(2.5);
  proto::Parts* parts = result.mutable_parts();
  parts->set_live_resident_bytes(4 * kMiB);
  parts->set_span_slack_bytes(4 * kMiB);
  parts->set_free_pages_bytes(2 * kMiB);
  return result;
}

TEST(Answer, PeakRatioAndTheLargestPartOfTheRest) {
  EXPECT_EQ(Answer(ARun()),
            "Peak RSS 10.0 MiB, 2.5 times the live bytes; most of the rest, 67 %, is free slots of "
            "used spans.");
}

TEST(Answer, FreeSlotsAreThoseOfFewSizeClasses) {
  proto::Result result = ARun();
  const auto add = [](proto::HeapSnapshot* snapshot, uint64_t slot, uint64_t slack) {
    proto::SizeClassUse* use = snapshot->add_size_classes();
    use->set_slot_bytes(slot);
    use->set_span_slack_bytes(slack);
  };
  // Of another moment: of no interest.
  add(result.mutable_detail()->add_snapshots(), 8, 1000);
  EXPECT_THAT(Answer(result), HasSubstr("67 %, is free slots of used spans."));
  proto::HeapSnapshot* peak = result.mutable_detail()->add_snapshots();
  peak->set_label("peak");
  add(peak, 48, 300);
  add(peak, 1024, 500);
  add(peak, 48, 120);  // with pointers
  add(peak, 64, 80);
  EXPECT_THAT(Answer(result), HasSubstr("67 %, is free slots of used spans, nine tenths of them in "
                                        "spans of 2 size classes (48 and 1,024 bytes)."));
  for (const uint64_t slot : {80, 96, 112}) add(peak, slot, 400);
  EXPECT_THAT(Answer(result), HasSubstr(", nine tenths of them in spans of 5 size classes."));
  peak->mutable_size_classes()->DeleteSubrange(1, peak->size_classes_size() - 1);
  EXPECT_THAT(Answer(result), HasSubstr(", all of them in spans of 1 size class (48 bytes)."));
}

TEST(Answer, LessThanHalfIsNotMost) {
  proto::Result result = ARun();
  result.mutable_parts()->set_metadata_bytes(3 * kMiB);
  EXPECT_THAT(Answer(result), HasSubstr("the largest part of the rest, 44 %, is free slots"));
}

TEST(Answer, OnePartIsAll) {
  proto::Result result = ARun();
  result.mutable_parts()->clear_free_pages_bytes();
  EXPECT_THAT(Answer(result), HasSubstr("; all of the rest is free slots of used spans."));
}

TEST(Answer, WithoutRestOrParts) {
  proto::Result result = ARun();
  result.mutable_parts()->clear_free_pages_bytes();
  result.mutable_parts()->clear_span_slack_bytes();
  result.mutable_fragmentation()->set_rss_over_live_at_peak_rss(1);
  EXPECT_EQ(Answer(result), "Peak RSS 10.0 MiB, 1.0 times the live bytes.");
  result.clear_parts();
  EXPECT_EQ(Answer(result), "Peak RSS 10.0 MiB, 1.0 times the live bytes.");
}

TEST(Answer, NothingLiveAtThePeak) {
  proto::Result result = ARun();
  result.clear_fragmentation();
  EXPECT_THAT(Answer(result), StartsWith("Peak RSS 10.0 MiB, when nothing was live; "));
}

TEST(Answer, UntouchedMemory) {
  proto::Result result = ARun();
  result.mutable_fragmentation()->set_rss_over_live_at_peak_rss(0.25);
  EXPECT_THAT(Answer(result),
              HasSubstr("0.2 times the live bytes, part of which was never touched"));
}

TEST(Answer, OddRuns) {
  EXPECT_EQ(Answer(proto::Result()), "Nothing was ever resident.");
  proto::Result result = ARun();
  result.mutable_trace()->set_events(0);
  EXPECT_THAT(Answer(result), StartsWith("The trace has no events. Peak RSS"));
  result = ARun();
  result.set_stopped("out of memory after event 7");
  result.mutable_trace()->set_complete(false);
  EXPECT_THAT(
      Answer(result),
      StartsWith(
          "The run ended early: out of memory after event 7. Up to there: peak RSS 10.0 MiB"));
  EXPECT_THAT(Answer(result), HasSubstr(". Part of the recording is missing."));
  for (const proto::Result& run : {proto::Result(), result}) {
    EXPECT_THAT(Answer(run), Not(HasSubstr("nan")));
    EXPECT_THAT(Answer(run), Not(HasSubstr("inf")));
  }
}

// ---- Comparisons.

void AddCell(proto::Comparison* comparison, const std::string& trace, const std::string& policy,
             uint64_t peak, uint64_t cost) {
  proto::Cell* cell = comparison->add_cells();
  cell->set_trace(trace);
  cell->set_policy(policy);
  cell->set_status(peak == 0 ? "out of memory" : kCellOk);
  if (peak == 0) return;
  cell->mutable_result()->mutable_memory()->set_peak_rss_bytes(peak);
  cell->mutable_result()->mutable_os()->set_cost_ns(cost);
  cell->mutable_result()->mutable_cost()->set_total_ns(cost);
  if (policy == "ideal") {
    cell->mutable_result()->mutable_policy()->set_engine(proto::ENGINE_IDEAL);
  }
}

std::string AnswerOf(proto::Comparison comparison) {
  comparison.set_complete(true);
  Summarise(&comparison);
  return Answer(comparison);
}

TEST(ComparisonAnswer, TheLeastMemoryAndItsCost) {
  proto::Comparison comparison;
  for (const char* trace : {"a", "b"}) {
    AddCell(&comparison, trace, "base", 100, 10);
    AddCell(&comparison, trace, "small", 80, 12);
    AddCell(&comparison, trace, "ideal", 50, 10);
  }
  const std::string answer = AnswerOf(comparison);
  EXPECT_THAT(
      answer,
      StartsWith("small needs the least memory over 2 traces: a peak RSS 20.0 % less than base "
                 "(95 % interval -20.0 % to -20.0 %), at a total cost 20.0 % more than base."));
  EXPECT_THAT(answer, HasSubstr("No allocator can go below 0.50 of base's (ideal)."));
}

TEST(ComparisonAnswer, TheFrontIsThatOfAllocatorsOnly) {
  proto::Comparison comparison;
  AddCell(&comparison, "a", "base", 100, 10);
  AddCell(&comparison, "a", "small", 80, 12);
  AddCell(&comparison, "a", "worse", 120, 13);
  EXPECT_THAT(AnswerOf(comparison),
              HasSubstr("Beaten by none in both memory and cost: base, small."));
}

TEST(ComparisonAnswer, TheFirstIsBest) {
  proto::Comparison comparison;
  AddCell(&comparison, "a", "base", 100, 10);
  AddCell(&comparison, "a", "large", 180, 5);
  EXPECT_THAT(AnswerOf(comparison),
              StartsWith("No policy needs less memory than base over 1 trace."));
}

TEST(ComparisonAnswer, OddComparisons) {
  proto::Comparison comparison;
  AddCell(&comparison, "a", "base", 0, 0);
  AddCell(&comparison, "a", "other", 100, 1);
  EXPECT_EQ(AnswerOf(comparison),
            "No policy could be compared with another: every ratio is unknown. 1 of 2 cells failed "
            "and is left out.");
  proto::Comparison one;
  AddCell(&one, "a", "base", 100, 1);
  EXPECT_EQ(AnswerOf(one), "base is the only policy that could be compared, over 1 trace.");
  EXPECT_THAT(Answer(proto::Comparison()), StartsWith("The comparison was interrupted. No policy"));
}

}  // namespace
}  // namespace heapsim::analysis
