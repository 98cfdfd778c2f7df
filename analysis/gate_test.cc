#include "analysis/gate.h"

#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "analysis/gate_output.h"
#include "analysis/json.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

void AddSample(uint64_t event, uint64_t dead, proto::Result* result) {
  proto::Sample* sample = result->add_series();
  sample->set_event(event);
  sample->set_rss_bytes(1000 + dead);
  sample->mutable_parts()->set_live_resident_bytes(1000);
  sample->mutable_parts()->set_dead_bytes(dead);
}

proto::Result RunWith(uint64_t dead) {
  proto::Result result;
  result.mutable_policy()->set_name("go1.10");
  result.mutable_trace()->set_events(30);
  result.mutable_memory()->set_peak_rss_bytes(1000 + dead);
  result.mutable_memory()->set_peak_rss_at_event(20);
  result.mutable_parts()->set_live_resident_bytes(1000);
  result.mutable_parts()->set_dead_bytes(dead);
  result.mutable_os()->set_page_faults(dead);
  result.mutable_os()->set_vma_peak(1);
  AddSample(10, 0, &result);
  AddSample(20, dead, &result);
  return result;
}

Baseline BaselineOf(const proto::Result& result) {
  return *ParseBaseline("b.json", ResultJson(result));
}

std::vector<Limit> Limits(std::initializer_list<const char*> texts) {
  std::vector<Limit> limits;
  for (const char* text : texts) limits.push_back(*ParseLimit(text));
  return limits;
}

// Whether one of the reasons has both.
bool Tells(const Verdict& verdict, absl::string_view a, absl::string_view b) {
  for (const std::string& reason : verdict.reasons) {
    if (absl::StrContains(reason, a) && absl::StrContains(reason, b)) return true;
  }
  return false;
}

TEST(Gate, HoldsToTheBound) {
  const Baseline baseline = BaselineOf(RunWith(1000));
  const auto limits = Limits({"memory.peak_rss_bytes<=+2%", "memory.peak_rss_bytes<=3KiB"});
  const absl::StatusOr<Verdict> within = Judge(limits, &baseline, RunWith(1040));
  ASSERT_TRUE(within.ok());
  EXPECT_EQ(within->broken(), 0);
  EXPECT_TRUE(within->reasons.empty());
  const absl::StatusOr<Verdict> above = Judge(limits, &baseline, RunWith(1041));
  ASSERT_TRUE(above.ok());
  EXPECT_EQ(above->broken(), 1);
  EXPECT_TRUE(above->judgements[0].broken);
  EXPECT_EQ(above->judgements[0].bound, 2040);
  EXPECT_EQ(above->judgements[0].baseline, 2000);
}

TEST(Gate, TellsWhy) {
  Baseline baseline = BaselineOf(RunWith(1000));
  proto::Result run = RunWith(5000);
  run.mutable_policy()->mutable_gc()->set_percent(300);
  const auto limits = Limits({"memory.peak_rss_bytes<=+2%"});
  const Verdict verdict = *Judge(limits, &baseline, run);
  const std::string all = absl::StrJoin(verdict.reasons, "\n");
  EXPECT_TRUE(Tells(verdict, "gc.percent", "was 100 and is 300")) << all;
  EXPECT_TRUE(Tells(verdict, "parts.dead_bytes", "+3.9 KiB")) << all;
  EXPECT_FALSE(Tells(verdict, "that grew", "live_resident")) << all;
  EXPECT_TRUE(Tells(verdict, "part at event 20", "up to event 10")) << all;
  EXPECT_TRUE(Tells(verdict, "part at event 20", "dead_bytes +3.9 KiB")) << all;
  EXPECT_TRUE(Tells(verdict, "os.page_faults", "1,000 -> 5,000")) << all;
  baseline.series.clear();
  EXPECT_TRUE(Tells(*Judge(limits, &baseline, run), "curves part", "no series"));
}

TEST(Gate, NamesCallSitesThatGrew) {
  const auto run = [](uint64_t pinned) {
    proto::Result result = RunWith(pinned);
    result.mutable_detail()->set_has_call_sites(true);
    proto::CallSite* site = result.mutable_detail()->add_call_sites();
    site->set_id(3);
    site->add_frames("parse");
    site->add_frame_files("/src/parse.c");
    site->add_frame_lines(12);
    proto::HeapSnapshot* peak = result.mutable_detail()->add_snapshots();
    peak->set_label("peak");
    proto::SiteUse* use = peak->add_sites();
    use->set_site(3);
    use->set_pinned_bytes(pinned);
    return result;
  };
  const Baseline baseline = *ParseBaseline("b.json", BaselineText(run(1024), {}));
  const Verdict verdict = *Judge(Limits({"memory.peak_rss_bytes<=+2%"}), &baseline, run(3072));
  EXPECT_TRUE(Tells(verdict, "Call sites that grew", "parse (parse.c:12) +2.0 KiB (1.0 KiB -> 3.0"))
      << absl::StrJoin(verdict.reasons, "\n");
}

TEST(Gate, NeedsTheNumbersOnBothSides) {
  const auto relative = Limits({"os.vma_peak<=+1%"});
  EXPECT_FALSE(CheckBaseline(relative, nullptr).ok());
  Baseline baseline = BaselineOf(RunWith(1));
  EXPECT_TRUE(CheckBaseline(relative, &baseline).ok());
  baseline.metrics.erase("os.vma_peak");
  const absl::Status lacks = CheckBaseline(relative, &baseline);
  EXPECT_TRUE(absl::StrContains(lacks.message(), "b.json")) << lacks;
  EXPECT_TRUE(absl::StrContains(lacks.message(), "os.vma_peak")) << lacks;
  EXPECT_TRUE(Judge(Limits({"os.vma_peak<=1"}), &baseline, RunWith(1)).ok());
  proto::Result run = RunWith(1);
  run.clear_parts();
  EXPECT_FALSE(Judge(Limits({"parts.dead_bytes<=1"}), nullptr, run).ok());
}

TEST(Gate, DoubtsAnotherTraceVersionAndPolicy) {
  const proto::Result run = RunWith(1);
  EXPECT_TRUE(Doubts(BaselineOf(run), run).empty());
  proto::Result other = run;
  other.set_version("9");
  other.mutable_policy()->set_name("ideal");
  other.mutable_trace()->set_events(31);
  EXPECT_EQ(Doubts(BaselineOf(other), run).size(), 3u);
}

TEST(Gate, ARunThatIsTheBaselineSaysSo) {
  const Baseline baseline = BaselineOf(RunWith(1000));
  for (const char* limit : {"memory.peak_rss_bytes<=-2%", "memory.peak_rss_bytes>=+1%"}) {
    const Verdict verdict = *Judge(Limits({limit}), &baseline, RunWith(1000));
    ASSERT_EQ(verdict.reasons.size(), 1u);
    EXPECT_EQ(verdict.reasons[0],
              "No number differs from the baseline: it breaks the limit itself");
  }
}

TEST(GateOutput, Forms) {
  const Baseline baseline = BaselineOf(RunWith(1000));
  auto limits = Limits({"memory.peak_rss_bytes<=+2%", "os.page_faults>=1"});
  limits[0].name = "peak <|>";
  limits[0].reason = "8 MiB \"container\"";
  const Verdict verdict = *Judge(limits, &baseline, RunWith(5000));
  const std::string text = VerdictText(verdict, "t.raw");
  EXPECT_TRUE(absl::StartsWith(text, "2 limits, 1 broken: t.raw\n")) << text;
  EXPECT_TRUE(absl::StrContains(
      text, "BROKEN  peak <|>: memory.peak_rss_bytes is 6,000, not <= 2,040 (baseline 2,000"))
      << text;
  EXPECT_TRUE(absl::StrContains(text, "8 MiB \"container\"")) << text;
  const std::string junit = VerdictJunit(verdict, "t&\x01.raw");
  EXPECT_TRUE(absl::StrContains(junit, "tests=\"2\" failures=\"1\"")) << junit;
  EXPECT_TRUE(absl::StrContains(junit, "name=\"peak &lt;|&gt;\"")) << junit;
  EXPECT_TRUE(absl::StrContains(junit, "t&amp;?.raw")) << junit;
  const std::string markdown = VerdictMarkdown(verdict, "t.raw");
  EXPECT_TRUE(absl::StrContains(
      markdown, "| peak &lt;\\|> | 2,000 | 6,000 | +200.00 % | <= 2,040 | **broken** |"))
      << markdown;
  EXPECT_EQ(BaselineChanges(baseline, baseline), "");
  // A bound of bytes is told in bytes, a reason in a line.
  limits = Limits({"memory.peak_rss_bytes<=+2.03%", "memory.peak_rss_bytes>=+500.02%"});
  limits[0].reason = "two\nlines";
  const std::string whole = VerdictText(*Judge(limits, &baseline, RunWith(5000)), "t");
  EXPECT_TRUE(absl::StrContains(whole, "not <= 2,040 (")) << whole;
  EXPECT_TRUE(absl::StrContains(whole, "not >= 12,001 (")) << whole;
  EXPECT_TRUE(absl::StrContains(whole, "because: two lines\n")) << whole;
  EXPECT_TRUE(absl::StrContains(BaselineChanges(baseline, BaselineOf(RunWith(5000))),
                                "memory.peak_rss_bytes 2,000 -> 6,000 (+200.00 %)"));
}

proto::Result WithClasses(uint64_t dead, std::initializer_list<uint64_t> resident) {
  proto::Result result = RunWith(dead);
  proto::HeapSnapshot* peak = result.mutable_detail()->add_snapshots();
  peak->set_label("peak");
  uint32_t number = 0;
  for (const uint64_t bytes : resident) {
    proto::SizeClassUse* use = peak->add_size_classes();
    use->set_size_class(++number);
    use->set_slot_bytes(8 * number);
    use->set_noscan(true);
    use->set_dead_bytes(bytes);
  }
  return result;
}

TEST(Gate, NamesTheSizeClassesThatGrew) {
  const proto::Result before = WithClasses(1000, {4096, 8192, 100});
  const Baseline baseline = *ParseBaseline("b.json", BaselineText(before, {}));
  EXPECT_EQ(baseline.size_classes.size(), 3u);
  const auto limits = Limits({"memory.peak_rss_bytes<=+2%"});
  const absl::StatusOr<Verdict> verdict =
      Judge(limits, &baseline, WithClasses(3000, {4096 + 2048, 8192, 100, 1124}));
  ASSERT_TRUE(verdict.ok());
  EXPECT_TRUE(Tells(*verdict, "Size classes that grew at the peak: slots of 8 bytes +2.0 KiB (4.0",
                    "slots of 32 bytes +1.0 KiB (at most 100 B -> 1.1 KiB)"));
  // One side that does not know them says nothing of them.
  const absl::StatusOr<Verdict> without = Judge(limits, &baseline, RunWith(3000));
  ASSERT_TRUE(without.ok());
  EXPECT_FALSE(Tells(*without, "Size classes", ""));
}

TEST(Gate, ABaselineKeepsTheLargestSizeClasses) {
  const proto::Result many =
      WithClasses(0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  const Baseline baseline = *ParseBaseline("b.json", BaselineText(many, {}));
  EXPECT_EQ(baseline.size_classes.size(), 16u);
  EXPECT_EQ(baseline.size_classes.count("slots of 32 bytes"), 0u);
  EXPECT_EQ(baseline.size_classes.at("slots of 40 bytes"), 5u);
}

}  // namespace
}  // namespace heapsim::analysis
