#include "analysis/baseline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "analysis/json.h"
#include "analysis/metrics.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

proto::Result Example() {
  proto::Result result;
  result.set_version("1.2.3");
  result.mutable_policy()->set_name("go1.10");
  result.mutable_policy()->mutable_gc()->set_percent(200);
  result.mutable_trace()->set_events(10);
  result.mutable_memory()->set_peak_rss_bytes(4096);
  result.mutable_memory()->set_mean_rss_bytes(0.1);
  result.mutable_parts()->set_dead_bytes(4096);
  result.mutable_heap()->set_next_gc(7);
  result.mutable_timing()->set_wall_seconds(3);
  proto::Sample* sample = result.add_series();
  sample->set_event(3);
  sample->set_rss_bytes(4096);
  sample->mutable_parts()->set_dead_bytes(5);
  return result;
}

TEST(Metrics, AreTheNumbersOfTheParts) {
  const proto::Result result = Example();
  EXPECT_EQ(MetricOf(result, "memory.peak_rss_bytes"), 4096);
  EXPECT_EQ(MetricOf(result, "memory.peak_mapped_bytes"), std::nullopt);  // unknown
  EXPECT_EQ(MetricOf(result, "os.page_faults"), std::nullopt);            // the part is absent
  EXPECT_EQ(MetricOf(result, "parts.internal_bytes"), 0);
  EXPECT_EQ(MetricOf(result, "timing.wall_seconds"), std::nullopt);
  EXPECT_EQ(MetricOf(result, "no.such"), std::nullopt);
  const std::vector<std::string> names = MetricNames();
  EXPECT_EQ(names.size(), MetricsOf(result).size());
  EXPECT_NE(std::find(names.begin(), names.end(), "heap.next_gc"), names.end());
}

TEST(Metrics, Texts) {
  EXPECT_EQ(MetricText(5345280), "5,345,280");
  EXPECT_EQ(MetricText(5345280.79), "5,345,280.7");
  EXPECT_EQ(MetricText(1.23456789), "1.23457");
  EXPECT_EQ(MetricText(-1.5), "-1.5");
  EXPECT_EQ(ChangeText(100, 102), "+2.00 %");
  EXPECT_EQ(ChangeText(0, 1), "from 0");
  EXPECT_EQ(ChangeText(0, 0), "0 %");
}

TEST(Baseline, ReadsAWholeResult) {
  const absl::StatusOr<Baseline> baseline = ParseBaseline("b.json", ResultJson(Example()));
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  EXPECT_EQ(baseline->version, "1.2.3");
  EXPECT_EQ(baseline->Find("memory.peak_rss_bytes"), 4096);
  EXPECT_EQ(baseline->Find("memory.mean_rss_bytes"), 0.1);
  EXPECT_EQ(baseline->Find("memory.peak_mapped_bytes"), std::nullopt);
  EXPECT_EQ(baseline->Find("heap.next_gc"), 7);
  EXPECT_EQ(baseline->policy.at("name"), "\"go1.10\"");
  EXPECT_EQ(baseline->policy.at("gc.percent"), "200");
  ASSERT_EQ(baseline->series.size(), 1u);
  EXPECT_EQ(baseline->series[0].event(), 3u);
  EXPECT_EQ(baseline->series[0].parts().dead_bytes(), 5u);
}

TEST(Baseline, OrderSpacingAndFurtherKeysAreFree) {
  const absl::StatusOr<Baseline> baseline = ParseBaseline(
      "b.json",
      " {\"later\": [1, {}], \"memory\" :{\"x\":\"y\",\"peak_rss_bytes\":\n5e3},\"os\":null }");
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  EXPECT_EQ(baseline->Find("memory.peak_rss_bytes"), 5000);
  EXPECT_EQ(baseline->metrics.size(), 1u);
}

TEST(Baseline, WhatIsWrittenIsSmallAndReadsBack) {
  const proto::Result result = Example();
  const std::string text = BaselineText(result, {"heap.next_gc"});
  const absl::StatusOr<Baseline> baseline = ParseBaseline("b.json", text);
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  for (const Metric& metric : MetricsOf(result)) {
    const bool kept = metric.name.substr(0, 5) != "heap." && metric.name.substr(0, 6) != "trace.";
    if (kept) {
      EXPECT_EQ(baseline->Find(metric.name), metric.value) << metric.name;
    }
  }
  EXPECT_EQ(baseline->Find("heap.next_gc"), 7);
  EXPECT_EQ(baseline->Find("trace.events"), 10);
  EXPECT_EQ(baseline->Find("heap.heap_live"), std::nullopt);
  EXPECT_EQ(baseline->policy, PolicySettings(result.policy()));
  ASSERT_EQ(baseline->series.size(), 1u);
  EXPECT_EQ(baseline->series[0].event(), 3u);
  EXPECT_EQ(baseline->series[0].rss_bytes(), 4096u);
  EXPECT_FALSE(baseline->series[0].has_parts());
  EXPECT_EQ(text.find("wall_seconds"), std::string::npos);
  EXPECT_LT(text.find("end_rss_bytes"), text.find("peak_rss_bytes"));
  EXPECT_LT(text.find("\"memory\""), text.find("\"policy\""));
}

TEST(Baseline, KeepsPointsOfTheCurve) {
  proto::Result result = Example();
  result.clear_series();
  for (uint64_t i = 1; i <= 1000; ++i) {
    proto::Sample* sample = result.add_series();
    sample->set_event(100 * i);
    sample->set_rss_bytes(4096 * i);
  }
  const Baseline baseline = *ParseBaseline("b.json", BaselineText(result, {}));
  ASSERT_EQ(baseline.series.size(), 16u);
  EXPECT_EQ(baseline.series[0].event(), 6200u);
  EXPECT_EQ(baseline.series[0].rss_bytes(), 62u * 4096);
  EXPECT_EQ(baseline.series[15].event(), 100000u);
  for (size_t i = 1; i < 16; ++i)
    EXPECT_GT(baseline.series[i].event(), baseline.series[i - 1].event());
}

// A whole result with detail says as much as a baseline that --update wrote.
TEST(Baseline, ReadsHoldersFromDetail) {
  proto::Result result = Example();
  proto::Detail* detail = result.mutable_detail();
  detail->set_has_call_sites(true);
  detail->add_snapshots()->set_label("end");
  proto::HeapSnapshot* peak = detail->add_snapshots();
  peak->set_label("peak");
  proto::SizeClassUse* use = peak->add_size_classes();
  use->set_size_class(5);
  use->set_slot_bytes(64);
  use->set_noscan(true);
  use->set_dead_bytes(uint64_t{1} << 60);
  use->add_spans_by_tenths(3);
  for (uint32_t id = 1; id <= 2; ++id) {
    proto::CallSite* site = detail->add_call_sites();
    site->set_id(id);
    site->add_frames(id == 1 ? "parse" : "load");
    proto::SiteUse* sites = peak->add_sites();
    sites->set_site(id);
    sites->set_pinned_bytes(100 * id);
  }
  const absl::StatusOr<Baseline> whole = ParseBaseline("b.json", ResultJsonWithDetail(result));
  ASSERT_TRUE(whole.ok()) << whole.status();
  const Baseline kept = *ParseBaseline("b.json", BaselineText(result, {}));
  EXPECT_EQ(whole->size_classes, kept.size_classes);
  EXPECT_EQ(whole->size_classes.at("slots of 64 bytes"), uint64_t{1} << 60);
  EXPECT_EQ(whole->call_sites, kept.call_sites);
  EXPECT_EQ(whole->call_sites.at("load"), 200u);
}

TEST(Baseline, KeepsWhoHoldsMost) {
  proto::Result result = Example();
  proto::Detail* detail = result.mutable_detail();
  detail->set_has_call_sites(true);
  proto::HeapSnapshot* peak = detail->add_snapshots();
  peak->set_label("peak");
  for (uint32_t id = 1; id <= 40; ++id) {
    proto::CallSite* site = detail->add_call_sites();
    site->set_id(id);
    site->add_frames(id % 2 == 0 ? "even" : absl::StrCat("odd ", id));
    proto::SiteUse* use = peak->add_sites();
    use->set_site(id);
    use->set_pinned_bytes(id);
  }
  const Baseline baseline = *ParseBaseline("b.json", BaselineText(result, {}));
  EXPECT_EQ(baseline.call_sites.size(), 16u);
  EXPECT_EQ(baseline.call_sites.at("even"), 420u);  // by name: 2 + 4 + ... + 40
  EXPECT_EQ(baseline.call_sites.at("odd 39"), 39u);
  EXPECT_EQ(baseline.call_sites.count("odd 9"), 0u);
  // Sizes that stand in for call sites are the size classes once more.
  detail->set_has_call_sites(false);
  EXPECT_TRUE(ParseBaseline("b.json", BaselineText(result, {}))->call_sites.empty());
}

TEST(Baseline, Wrong) {
  for (const char* text : {"", "{", "[]", "5", "{\"memory\":{\"peak_rss_bytes\":\"5\"}}",
                           "{\"memory\":{\"peak_rss_bytes\":1e999}}", "\xff\xfe"}) {
    const absl::StatusOr<Baseline> baseline = ParseBaseline("b.json", text);
    ASSERT_FALSE(baseline.ok()) << text;
    EXPECT_EQ(baseline.status().message().substr(0, 7), "b.json:") << baseline.status();
  }
}

}  // namespace
}  // namespace heapsim::analysis
