#include "analysis/explain.h"

#include <functional>
#include <string>

#include "analysis/explain_output.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

proto::CallSite Site(uint32_t id, const std::function<uint64_t(int)>& live) {
  proto::CallSite site;
  site.set_id(id);
  site.add_frames("f" + std::to_string(id));
  for (int i = 0; i <= 16; ++i) site.add_live_bytes_by_sixteenths(live(i));
  return site;
}

TEST(NeverStopsGrowing, TellsGrowthFromPlateauAndSpike) {
  EXPECT_TRUE(NeverStopsGrowing(Site(1, [](int i) { return 1000 * i; })));
  // Begins late, and now and then something is freed.
  EXPECT_TRUE(NeverStopsGrowing(
      Site(1, [](int i) { return i < 8 ? 0 : 10000 + 1000 * i - (i == 12 ? 1200 : 0); })));
  EXPECT_FALSE(NeverStopsGrowing(Site(1, [](int i) { return i < 12 ? 0 : 1000 * i; })));
  EXPECT_FALSE(NeverStopsGrowing(Site(1, [](int i) { return i < 9 ? 1000 * i : 9000; })));
  EXPECT_FALSE(NeverStopsGrowing(Site(1, [](int i) { return i < 15 ? 1000 * i : 12000; })));
  EXPECT_FALSE(NeverStopsGrowing(Site(1, [](int) { return 0; })));
  EXPECT_FALSE(NeverStopsGrowing(proto::CallSite()));
}

// A result with two sites, 1 growing and 2 a spike at event 50, looked at after event 90.
proto::Result Example() {
  proto::Result result;
  result.mutable_policy()->set_name("p");
  result.mutable_policy()->set_reclaim(proto::RECLAIM_EXPLICIT);
  proto::Detail* detail = result.mutable_detail();
  *detail->add_call_sites() = Site(1, [](int i) { return 100 * i; });
  *detail->add_call_sites() = Site(2, [](int i) { return i == 8 ? 5000 : 10; });
  detail->mutable_call_sites(1)->set_peak_live_bytes(5000);
  detail->mutable_call_sites(1)->set_peak_live_at_event(50);
  proto::HeapSnapshot* s = detail->add_snapshots();
  s->set_label("end");
  s->set_event(90);
  s->set_rss_bytes(10000);
  s->set_live_bytes(1610);
  s->mutable_parts()->set_live_resident_bytes(1610);
  s->mutable_parts()->set_free_pages_bytes(1000);
  s->mutable_map()->add_run_cells(7);
  proto::SiteUse* use = s->add_sites();
  use->set_site(2);
  use->set_live_bytes(10);
  use->set_live_objects(1);
  use->set_pinned_bytes(4096);
  use->set_wasted_bytes(4086);
  use = s->add_sites();
  use->set_site(1);
  use->set_live_bytes(1600);
  use->set_pinned_bytes(2000);
  use->set_wasted_bytes(400);
  return result;
}

TEST(Explain, TheLargestCauseIsNamedWithItsFirstCulprit) {
  proto::Result result = Example();
  proto::HeapSnapshot* s = result.mutable_detail()->mutable_snapshots(0);
  // Nothing reaches a fifth of RSS.
  s->set_release_after_gc_bytes(1000);
  s->set_compaction_saves_bytes(1999);
  EXPECT_EQ(Explain(result, *s).verdict(), proto::CAUSE_KIND_IN_USE);

  s->set_compaction_saves_bytes(4000);
  proto::Explanation e = Explain(result, *s);
  EXPECT_EQ(e.verdict(), proto::CAUSE_KIND_FRAGMENTATION);
  EXPECT_EQ(e.causes(2).culprits(0).what(), "f2");
  EXPECT_EQ(e.causes(2).culprits(0).bytes(), 4086u);
  EXPECT_EQ(e.causes(2).culprits(0).why(), "1 objects of 10 B pin 4.0 KiB");
  EXPECT_DOUBLE_EQ(e.causes(2).share_of_rss(), 0.4);
  EXPECT_FALSE(e.snapshot().has_map());

  s->set_release_after_gc_bytes(4500);
  e = Explain(result, *s);
  EXPECT_EQ(e.verdict(), proto::CAUSE_KIND_RETENTION);
  ASSERT_EQ(e.causes(1).culprits_size(), 1);
  EXPECT_EQ(e.causes(1).culprits(0).what(), "f2");
  EXPECT_EQ(e.causes(1).culprits(0).bytes(), 4990u);

  s->mutable_sites(1)->set_live_bytes(6000);
  e = Explain(result, *s);
  EXPECT_EQ(e.verdict(), proto::CAUSE_KIND_LEAK);
  ASSERT_EQ(e.causes(0).culprits_size(), 1);
  EXPECT_EQ(e.causes(0).culprits(0).what(), "f1");
  const std::string text = ExplanationText(e);
  EXPECT_NE(text.find("a leak: 5.9 KiB, 60 % of RSS; first of all f1"), std::string::npos) << text;
  EXPECT_NE(text.find("rule: "), std::string::npos);
}

// The garbage that a collector lets gather is no cause; what is beyond it is retained.
TEST(Explain, ACollectorsHeadroomIsNotRetained) {
  proto::Result result = Example();
  proto::Policy* policy = result.mutable_policy();
  policy->set_reclaim(proto::RECLAIM_GC);
  policy->mutable_gc()->set_percent(100);
  proto::HeapSnapshot* s = result.mutable_detail()->mutable_snapshots(0);
  constexpr uint64_t kMiB = 1 << 20;
  s->set_rss_bytes(40 * kMiB);
  s->set_release_now_bytes(kMiB);
  s->set_release_after_gc_bytes(9 * kMiB);
  proto::SizeClassUse* use = s->add_size_classes();
  use->set_size_class(1);
  use->set_slot_bytes(1024);
  use->set_live_slots(10 * 1024);
  use->set_dead_bytes(9 * kMiB);  // one of them beside something alive
  proto::Explanation e = Explain(result, *s);
  EXPECT_EQ(e.gc_headroom_bytes(), 9 * kMiB);
  EXPECT_EQ(e.causes(1).bytes(), 0u);
  EXPECT_EQ(e.verdict(), proto::CAUSE_KIND_IN_USE);
  EXPECT_NE(e.sentence().find("9.0 MiB, 22 %, is garbage"), std::string::npos) << e.sentence();
  // It may gather half as much as lives: 5 of the 10 MiB are too many.
  policy->mutable_gc()->set_percent(50);
  EXPECT_EQ(Explain(result, *s).gc_headroom_bytes(), 4 * kMiB);
  // A small heap grows to 4 MiB whatever lives.
  policy->mutable_gc()->set_percent(100);
  use->set_live_slots(1024);
  EXPECT_EQ(Explain(result, *s).gc_headroom_bytes(), 2 * kMiB);
  // Large objects.
  use->set_size_class(0);
  use->set_slot_bytes(0);
  use->set_requested_bytes(10 * kMiB);
  EXPECT_EQ(Explain(result, *s).gc_headroom_bytes(), 9 * kMiB);
  // Nobody collects, or nobody lets garbage gather.
  policy->mutable_gc()->set_percent(-1);
  EXPECT_EQ(Explain(result, *s).causes(1).bytes(), 9 * kMiB);
  policy->mutable_gc()->set_percent(100);
  policy->set_reclaim(proto::RECLAIM_EXPLICIT);
  EXPECT_EQ(Explain(result, *s).causes(1).bytes(), 9 * kMiB);
  EXPECT_EQ(Explain(result, *s).gc_headroom_bytes(), 0u);
}

// What was freed before a later peak is no culprit of what is retained now.
TEST(Explain, APeakThatIsYetToComeRetainsNothing) {
  proto::Result result = Example();
  result.mutable_detail()->mutable_call_sites(1)->set_peak_live_at_event(91);
  proto::HeapSnapshot* s = result.mutable_detail()->mutable_snapshots(0);
  s->set_release_after_gc_bytes(4500);
  EXPECT_EQ(Explain(result, *s).causes(1).culprits_size(), 0);
}

TEST(Explain, DiffTellsWhatChangedMost) {
  const proto::Result result = Example();
  const proto::Explanation before = Explain(result, result.detail().snapshots(0));
  proto::HeapSnapshot later = result.detail().snapshots(0);
  later.set_rss_bytes(20000);
  later.mutable_parts()->set_free_pages_bytes(0);
  later.mutable_parts()->set_dead_bytes(11);
  later.mutable_sites(0)->set_pinned_bytes(4097);
  proto::SizeClassUse* use = later.add_size_classes();
  use->set_size_class(3);
  use->set_slot_bytes(32);
  use->set_noscan(true);
  use->set_dead_bytes(11);
  const proto::ExplanationDiff diff = ExplainDiff(before, Explain(result, later));
  ASSERT_EQ(diff.parts_size(), 2);
  EXPECT_EQ(diff.parts(0).what(), "free pages");
  EXPECT_EQ(diff.parts(0).before_bytes(), 1000u);
  EXPECT_EQ(diff.parts(1).what(), "dead, not yet swept");
  ASSERT_EQ(diff.size_classes_size(), 1);
  EXPECT_EQ(diff.size_classes(0).what(), "slots of 32 bytes");
  ASSERT_EQ(diff.sites_size(), 1);
  EXPECT_EQ(diff.sites(0).after_bytes(), 4097u);
  EXPECT_NE(ExplanationDiffText(diff).find("+1 B  f2"), std::string::npos);
}

}  // namespace
}  // namespace heapsim::analysis
