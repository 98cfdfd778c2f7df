#include "sim/replay/snapshot.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/detail_run.h"
#include "sim/replay/engine.h"
#include "sim/replay/size_bracket.h"
#include "tests/bench/synthetic_trace.h"
#include "traces/block_builder.h"
#include "traces/random_events.h"

namespace heapsim::sim {
namespace {

using traces::EventBlock;

OpenBlocks Opener(const std::vector<EventBlock>* blocks) {
  return [blocks]() -> absl::StatusOr<std::unique_ptr<BlockSource>> {
    return std::make_unique<KeptBlocks>(blocks);
  };
}

template <typename Feed>
std::vector<EventBlock> Build(Feed feed) {
  std::vector<EventBlock> blocks;
  traces::BlockBuilder builder([&](const EventBlock& b) {
    blocks.push_back(b);
    return absl::OkStatus();
  });
  feed(&builder);
  builder.Flush();
  return blocks;
}

std::vector<EventBlock> Random(uint64_t seed, uint64_t events) {
  traces::RandomEventsOptions options;
  options.seed = seed;
  options.events = events;
  std::vector<EventBlock> blocks = traces::RandomBlocks(options);
  for (EventBlock& b : blocks) {
    for (traces::Exception& x : b.exceptions) x.size %= 3000000;
  }
  return blocks;
}

proto::Policy Policy(proto::Reclaim reclaim) {
  proto::Policy p;
  p.set_reclaim(reclaim);
  return p;
}

ReplayOutcome MustRun(const std::vector<EventBlock>& blocks, const proto::Policy& policy,
                      const ReplayOptions& options, const DetailRequest& request) {
  absl::StatusOr<ReplayOutcome> o = RunReplayWithDetail(Opener(&blocks), policy, options, request);
  EXPECT_TRUE(o.ok()) << o.status();
  return o.ok() ? *std::move(o) : ReplayOutcome{};
}

uint64_t Sum(const proto::Parts& p) {
  return p.live_resident_bytes() + p.internal_bytes() + p.dead_bytes() + p.span_slack_bytes() +
         p.free_pages_bytes() + p.manual_bytes() + p.metadata_bytes() + p.lazyfree_bytes();
}

// Every identity that a snapshot keeps by itself.
void ExpectSound(const proto::HeapSnapshot& s) {
  SCOPED_TRACE(s.label() + " at event " + std::to_string(s.event()));
  const proto::Parts& p = s.parts();
  EXPECT_EQ(Sum(p), s.rss_bytes());
  uint64_t live = 0, internal = 0, dead = 0, slack = 0, objects = 0, requested = 0, held = 0;
  for (const proto::SizeClassUse& c : s.size_classes()) {
    live += c.live_resident_bytes();
    internal += c.internal_bytes();
    dead += c.dead_bytes();
    slack += c.span_slack_bytes();
    objects += c.live_objects();
    requested += c.requested_bytes();
    uint64_t spans = 0;
    for (const uint64_t n : c.spans_by_tenths()) spans += n;
    EXPECT_EQ(spans, c.spans());
    ASSERT_EQ(c.spans_by_tenths_size(), 11);
    EXPECT_LE(c.compactable_spans(), c.spans());
    EXPECT_GE(c.compactable_spans(), c.spans_by_tenths(0));
    if (c.size_class() != 0) {
      EXPECT_LE((c.live_slots() + c.dead_slots() + c.free_slots()) * c.slot_bytes(),
                c.span_bytes());
    }
    EXPECT_LE(c.compaction_saves_bytes(), c.span_bytes());
    held += c.live_resident_bytes() + c.internal_bytes() + c.dead_bytes() + c.span_slack_bytes();
  }
  EXPECT_EQ(live, p.live_resident_bytes());
  EXPECT_EQ(internal, p.internal_bytes());
  EXPECT_EQ(dead, p.dead_bytes());
  EXPECT_EQ(slack, p.span_slack_bytes());
  EXPECT_EQ(requested, s.live_bytes());
  uint64_t free = 0, runs = 0;
  for (const proto::FreeRunLengths& f : s.free_runs()) {
    free += f.resident_bytes();
    runs += f.runs();
    EXPECT_GE(f.bytes(), f.runs() * f.min_bytes());
    EXPECT_LT(f.bytes(), f.runs() * f.min_bytes() * 2);
  }
  EXPECT_EQ(free, p.free_pages_bytes());
  EXPECT_LE(s.release_now_bytes(), free);
  EXPECT_EQ(s.longest_free_runs_size(), static_cast<int>(std::min<uint64_t>(runs, 10)));
  uint64_t site_objects = s.other_sites().live_objects(), site_bytes = s.other_sites().live_bytes(),
           pinned = s.other_sites().pinned_bytes(), alone = 0;
  for (const proto::SiteUse& u : s.sites()) {
    site_objects += u.live_objects();
    site_bytes += u.live_bytes();
    pinned += u.pinned_bytes();
    alone += u.pinned_alone_bytes();
    EXPECT_LE(u.wasted_bytes(), u.pinned_bytes());
    EXPECT_LE(u.pinned_alone_bytes(), u.pinned_bytes());
  }
  EXPECT_EQ(site_objects, objects);
  EXPECT_EQ(site_bytes, s.live_bytes());
  EXPECT_LE(pinned, held);
  EXPECT_LE(alone, pinned);
  const proto::HeapMap& m = s.map();
  EXPECT_EQ(m.run_cells_size(), m.run_state_size());
  EXPECT_EQ(m.run_cells_size(), m.run_size_class_size());
  EXPECT_EQ(m.run_cells_size(), m.run_live_percent_size());
  EXPECT_EQ(m.run_cells_size(), m.run_resident_percent_size());
  EXPECT_EQ(m.run_cells_size(), m.run_huge_percent_size());
}

// The same heap, counted page by page and object by object from what the engine's own structures
// say, without spans' slots, bits or chains of objects: the trace tells which objects live.
class Recount {
 public:
  explicit Recount(const std::vector<EventBlock>& blocks, uint64_t until) {
    for (const EventBlock& b : blocks) {
      uint32_t alloc = 0, free = 0, x = 0;
      for (uint32_t i = 0; i < b.count && b.first_event + i <= until; ++i) {
        const traces::Exception* e = nullptr;
        if (x < b.exceptions.size() && b.exceptions[x].position == i) e = &b.exceptions[x++];
        if (e != nullptr && e->dropped_object != traces::kNoObject) live_.erase(e->dropped_object);
        if (b.IsFree(i)) {
          const uint32_t id = b.free_object[free++];
          if (id == traces::kNoObject) continue;
          if (e != nullptr && e->kind == traces::EventKind::kRealloc) {
            live_[id].second = e->size;
          } else {
            live_.erase(id);
          }
        } else {
          uint64_t size = b.alloc_size[alloc];
          if (size == traces::kWideSize) size = e->size;
          const uint32_t site = b.call_site.empty() ? 0 : b.call_site[alloc];
          live_[b.alloc_object[alloc++]] = {site, size};
        }
      }
    }
  }
  // By site (by bracket where there are none): objects and requested bytes.
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> BySite(bool brackets) const {
    std::map<uint32_t, std::pair<uint64_t, uint64_t>> sums;
    for (const auto& [id, object] : live_) {
      if (object.second == 0) continue;
      auto& sum = sums[brackets ? SizeBracket(object.second) : object.first];
      ++sum.first;
      sum.second += object.second;
    }
    return sums;
  }

 private:
  std::map<uint32_t, std::pair<uint32_t, uint64_t>> live_;
};

TEST(SizeBracket, Borders) {
  EXPECT_EQ(SizeBracket(1), 1u);
  EXPECT_EQ(SizeBracket(8), 1u);
  EXPECT_EQ(SizeBracket(9), 2u);
  EXPECT_EQ(SizeBracket(32), 4u);
  uint32_t last = 1;
  for (uint64_t n = 1; n < 100000; ++n) {
    const uint32_t b = SizeBracket(n);
    EXPECT_TRUE(b == last || b == last + 1) << n;
    EXPECT_LE(n, LargestOfBracket(b));
    if (b > 1) {
      EXPECT_GT(n, LargestOfBracket(b - 1));
    }
    last = b;
  }
}

// Snapshots of random runs are sound, agree with the trace, and change nothing.
TEST(Snapshot, RandomRunsAddUp) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const std::vector<EventBlock> blocks = Random(seed, 30000);
    for (const proto::Reclaim reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
      for (const auto touch : {proto::Objects::TOUCH_WHOLE, proto::Objects::TOUCH_FIRST}) {
        proto::Policy policy = Policy(reclaim);
        policy.mutable_objects()->set_touch(touch);
        if (seed == 2) policy.mutable_release()->set_advice(proto::Release::ADVICE_FREE);
        if (seed == 3) policy.mutable_os()->set_huge_pages(proto::Os::HUGE_PAGES_ALWAYS);
        if (seed == 3) policy.mutable_os()->set_page_size(16384);
        ReplayOptions options;
        options.settle_ns = 700'000'000'000;
        options.release_at = {9000, 20000};
        DetailRequest request;
        request.samples = 7;
        request.options.moments = {{Moment::Kind::kPeak, 0, "peak"},
                                   {Moment::Kind::kEnd, 0, "end"},
                                   {Moment::Kind::kEvent, 9000, "event 9000"},
                                   {Moment::Kind::kEvent, 0, "event 0"}};
        request.options.limits.sites = 20;
        const ReplayOutcome o = MustRun(blocks, policy, options, request);
        ASSERT_TRUE(o.detail.has_value());
        ASSERT_EQ(o.detail->snapshots_size(), 11);
        EXPECT_EQ(o.detail->snapshots(0).label(), "event 0");
        EXPECT_EQ(o.detail->snapshots(10).label(), "end");
        uint64_t before = 0;
        for (const proto::HeapSnapshot& s : o.detail->snapshots()) {
          ExpectSound(s);
          EXPECT_GE(s.time_ns(), before);
          before = s.time_ns();
          if (s.label() == "peak") {
            EXPECT_EQ(s.rss_bytes(), o.peak_rss);
            EXPECT_EQ(s.event(), o.peak_rss_at_event);
            EXPECT_EQ(s.parts().dead_bytes(), o.parts->dead);
            EXPECT_EQ(s.parts().span_slack_bytes(), o.parts->span_slack);
          }
          auto sums = Recount(blocks, s.event()).BySite(!o.detail->has_call_sites());
          for (const proto::SiteUse& u : s.sites()) {
            EXPECT_EQ(u.live_objects(), sums[u.site()].first);
            EXPECT_EQ(u.live_bytes(), sums[u.site()].second);
            sums.erase(u.site());
          }
          EXPECT_EQ(sums.size(), s.other_sites_count());
        }
      }
    }
  }
}

// The objects of slots are listed a stretch of the heap at a time.
TEST(Snapshot, IsTheSameInManyStretches) {
  const std::vector<EventBlock> blocks = Random(4, 30000);
  for (const proto::Reclaim reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    std::string looks[2];
    for (const uint32_t words : {1u, 1u << 20}) {
      DetailRequest request;
      request.options.moments = {{Moment::Kind::kPeak, 0, "peak"}};
      request.options.limits.listed_words = words;
      const ReplayOutcome o = MustRun(blocks, Policy(reclaim), {}, request);
      ASSERT_EQ(o.detail->snapshots_size(), 1);
      looks[words == 1 ? 0 : 1] = o.detail->snapshots(0).DebugString();
    }
    EXPECT_EQ(looks[0], looks[1]);
  }
}

// What a release would give back is what one gives back, and what is in the map is in the sums.
TEST(Snapshot, ReleaseDoesWhatItSays) {
  for (const proto::Reclaim reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    for (const int64_t page : {4096, 16384}) {
      for (const uint64_t at : {5000u, 17000u, 29999u}) {
        const std::vector<EventBlock> blocks = Random(at, 30000);
        proto::Policy policy = Policy(reclaim);
        policy.mutable_os()->set_page_size(page);
        ReplayOptions options;
        options.release_at = {at};
        DetailRequest request;
        request.options.moments = {{Moment::Kind::kEvent, at, "now"}};
        const ReplayOutcome o = MustRun(blocks, policy, options, request);
        ASSERT_EQ(o.detail->snapshots_size(), 1);
        const proto::HeapSnapshot& s = o.detail->snapshots(0);
        // The samples before and after the release, without the allocator's own tables, which a
        // collection may enlarge.
        std::vector<Sample> of;
        for (const Sample& sample : o.series) {
          if (sample.event == at) of.push_back(sample);
        }
        ASSERT_GE(of.size(), 2u);
        const Sample& before = of[of.size() - 2];
        const Sample& after = of.back();
        EXPECT_EQ(before.rss, s.rss_bytes());
        const uint64_t given =
            before.rss - before.parts.metadata - (after.rss - after.parts.metadata);
        EXPECT_GT(given, 0u);
        EXPECT_EQ(given, page == 4096 ? s.release_after_gc_bytes() : given);
        // Spans that come free may join into whole machine pages that none of them had.
        EXPECT_GE(given + (page == 4096 ? 0 : s.parts().dead_bytes()), s.release_now_bytes());
        EXPECT_LE(given, s.parts().free_pages_bytes() + s.parts().dead_bytes() +
                             s.parts().span_slack_bytes());
      }
    }
  }
}

// One object of 100 in each span stays, from a site of its own.
TEST(Snapshot, OneSmallObjectPinsItsSpan) {
  const std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    std::vector<uint32_t> gone;
    for (int i = 0; i < 73 * 50; ++i) {
      b->SetCallSite(i % 73 == 7 ? 2 : 1);
      const uint32_t id = b->Alloc(traces::EventKind::kMalloc, 112);
      if (i % 73 != 7) gone.push_back(id);
    }
    for (const uint32_t id : gone) b->Free(id);
  });
  DetailRequest request;
  request.options.moments = {{Moment::Kind::kEnd, 0, "end"}};
  const ReplayOutcome o = MustRun(blocks, Policy(proto::RECLAIM_EXPLICIT), {}, request);
  const proto::HeapSnapshot& s = o.detail->snapshots(0);
  ExpectSound(s);
  ASSERT_EQ(s.sites_size(), 1);
  EXPECT_EQ(s.sites(0).site(), 2u);
  EXPECT_EQ(s.sites(0).live_objects(), 50u);
  EXPECT_EQ(s.sites(0).live_bytes(), 50u * 112);
  EXPECT_EQ(s.sites(0).pinned_bytes(), 50u * 8192);
  EXPECT_EQ(s.sites(0).pinned_alone_bytes(), 50u * 8192);
  EXPECT_EQ(s.sites(0).wasted_bytes(), 50u * (8192 - 112));
  ASSERT_EQ(s.size_classes_size(), 1);
  EXPECT_EQ(s.size_classes(0).slot_bytes(), 112u);
  EXPECT_EQ(s.size_classes(0).spans(), 50u);
  EXPECT_EQ(s.size_classes(0).spans_by_tenths(1), 50u);
  EXPECT_EQ(s.size_classes(0).compactable_spans(), 49u);
  EXPECT_EQ(s.compaction_saves_bytes(), 49u * 8192);
  // 50 spans alike, then what growth has left.
  ASSERT_EQ(s.map().run_cells_size(), 2);
  EXPECT_EQ(s.map().cell_bytes(), 8192u);
  EXPECT_EQ(s.map().run_cells(0), 50u);
  EXPECT_EQ(s.map().run_state(0), proto::MAP_STATE_SMALL);
  EXPECT_EQ(s.map().run_live_percent(0), 2u);
  EXPECT_EQ(s.map().run_resident_percent(0), 100u);
  EXPECT_EQ(s.map().run_state(1), proto::MAP_STATE_FREE);
  EXPECT_EQ(s.map().run_resident_percent(1), 0u);
}

TEST(Snapshot, SitesShareASpanBySlots) {
  const std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    for (int i = 0; i < 8; ++i) {  // class 1024: a span is full
      b->SetCallSite(i < 2 ? 5 : 9);
      b->Alloc(traces::EventKind::kMalloc, i < 2 ? 1000 : 1024);
    }
  });
  DetailRequest request;
  request.options.moments = {{Moment::Kind::kEnd, 0, "end"}};
  const ReplayOutcome o = MustRun(blocks, Policy(proto::RECLAIM_EXPLICIT), {}, request);
  const proto::HeapSnapshot& s = o.detail->snapshots(0);
  ASSERT_EQ(s.sites_size(), 2);
  EXPECT_EQ(s.sites(0).site(), 9u);
  EXPECT_EQ(s.sites(0).pinned_bytes(), 6144u);
  EXPECT_EQ(s.sites(0).wasted_bytes(), 0u);
  EXPECT_EQ(s.sites(1).pinned_bytes(), 2048u);
  EXPECT_EQ(s.sites(1).wasted_bytes(), 48u);
  EXPECT_EQ(s.sites(1).pinned_alone_bytes(), 0u);
}

TEST(Snapshot, MapOfALargeHeapHasFewCells) {
  bench::SyntheticOptions synthetic;
  synthetic.events = 200000;
  synthetic.live_objects = 50000;
  const std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
  DetailRequest request;
  request.options.moments = {{Moment::Kind::kEnd, 0, "fine"}};
  const proto::HeapMap fine =
      MustRun(blocks, Policy(proto::RECLAIM_GC), {}, request).detail->snapshots(0).map();
  request.options.limits.map_cells = 100;
  const proto::HeapMap coarse =
      MustRun(blocks, Policy(proto::RECLAIM_GC), {}, request).detail->snapshots(0).map();
  const auto cells = [](const proto::HeapMap& m) {
    uint64_t n = 0;
    for (const uint32_t run : m.run_cells()) n += run;
    return n;
  };
  EXPECT_EQ(fine.cell_bytes(), 8192u);
  EXPECT_LE(cells(coarse), 100u);
  EXPECT_GT(cells(coarse), 50u);
  const uint64_t bytes = cells(fine) * fine.cell_bytes();
  EXPECT_LT(cells(coarse) * coarse.cell_bytes() - bytes, coarse.cell_bytes());
}

TEST(DetailRun, TimesStandBetweenEvents) {
  const std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    for (const uint64_t t : {0u, 10u, 10u, 50u}) {
      b->SetTime(t);
      b->Alloc(traces::EventKind::kMalloc, 100);
    }
  });
  DetailRequest request;
  for (const uint64_t t : {0u, 9u, 10u, 49u, 50u, 70u}) {
    request.options.moments.push_back({Moment::Kind::kTime, t, std::to_string(t)});
  }
  ReplayOptions options;
  options.settle_ns = 20;
  const ReplayOutcome o = MustRun(blocks, Policy(proto::RECLAIM_GC), options, request);
  std::vector<uint64_t> live, times;
  for (const proto::HeapSnapshot& s : o.detail->snapshots()) {
    live.push_back(s.live_bytes());
    times.push_back(s.time_ns());
  }
  EXPECT_EQ(live, (std::vector<uint64_t>{100, 100, 300, 300, 400, 400}));
  EXPECT_EQ(times, (std::vector<uint64_t>{0, 9, 10, 49, 50, 70}));

  request.options.moments = {{Moment::Kind::kTime, 71, "71ns"}};
  EXPECT_EQ(RunReplayWithDetail(Opener(&blocks), Policy(proto::RECLAIM_GC), options, request)
                .status()
                .message(),
            "there is no moment 71ns: the run ends at 70ns");
  request.options.moments = {{Moment::Kind::kEvent, 5, "event 5"}};
  EXPECT_EQ(RunReplayWithDetail(Opener(&blocks), Policy(proto::RECLAIM_GC), options, request)
                .status()
                .message(),
            "there is no event 5: the run has 4");
}

// The timers that run before a moment are those that would have run anyway.
TEST(DetailRun, LookingChangesNothing) {
  bench::SyntheticOptions synthetic;
  synthetic.events = 100000;
  synthetic.live_objects = 5000;
  std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
  uint64_t t = 0;
  for (EventBlock& b : blocks) {
    for (uint32_t i = 0; i < b.count; ++i)
      b.time_ns.push_back(t += i % 1000 == 0 ? 40'000'000 : 90);
  }
  for (const int64_t rate : {0, 100'000'000}) {
    proto::Policy policy = Policy(proto::RECLAIM_GC);
    policy.mutable_gc()->set_mark_bytes_per_second(rate);
    policy.mutable_objects()->set_scan(proto::Objects::SCAN_ALL);
    ReplayOptions options;
    options.settle_ns = 300'000'000'000;
    KeptBlocks source(&blocks);
    const absl::StatusOr<ReplayOutcome> plain = RunReplay(source, policy, options);
    ASSERT_TRUE(plain.ok());
    EXPECT_FALSE(plain->detail.has_value());
    DetailRequest request;
    request.samples = 32;
    for (uint64_t time = 0; time < t; time += t / 50) {
      request.options.moments.push_back({Moment::Kind::kTime, time, "t"});
    }
    const ReplayOutcome o = MustRun(blocks, policy, options, request);
    EXPECT_EQ(o.state_hash, plain->state_hash);
    EXPECT_EQ(o.mean_rss, plain->mean_rss);
    EXPECT_EQ(o.detail->snapshots_size(), 32 + 51);
    // Marks: each cycle is one, and the spans it swept are those of the result.
    uint64_t cycles = 0, swept = 0, last = 0;
    for (const proto::Mark& m : o.detail->marks()) {
      EXPECT_GE(m.time_ns(), last);
      last = m.time_ns();
      if (m.kind() == proto::MARK_KIND_SWEEP) swept += m.value();
      if (m.kind() != proto::MARK_KIND_GC) continue;
      ++cycles;
      EXPECT_EQ(m.duration_ns() != 0, rate != 0);
    }
    EXPECT_EQ(cycles, o.mark.cycles);
    EXPECT_GE(cycles, 3u);
    EXPECT_LE(swept, o.swept_spans);
    EXPECT_EQ(o.detail->dropped_marks(), 0u);
  }
}

// Whatever gives memory back, and whenever, the marks tell all of it, in a bounded number.
TEST(Marks, TellAllThatWasGivenBack) {
  std::vector<EventBlock> blocks = Random(11, 60000);
  uint64_t t = 0;
  for (EventBlock& b : blocks) {
    b.time_ns.clear();
    for (uint32_t i = 0; i < b.count; ++i)
      b.time_ns.push_back(t += i % 1000 == 0 ? 40'000'000 : 90);
  }
  for (const auto rule : {proto::Release::RULE_AT_ONCE, proto::Release::RULE_DECAY,
                          proto::Release::RULE_PACED, proto::Release::RULE_MEMORY_LIMIT}) {
    for (const proto::Reclaim reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
      // Its pace is the collector's.
      if (rule == proto::Release::RULE_PACED && reclaim == proto::RECLAIM_EXPLICIT) continue;
      proto::Policy policy = Policy(reclaim);
      policy.mutable_release()->set_rule(rule);
      if (rule == proto::Release::RULE_DECAY) policy.mutable_release()->set_decay_ns(100'000'000);
      if (rule == proto::Release::RULE_MEMORY_LIMIT) {
        policy.mutable_release()->set_limit_bytes(8 << 20);
      }
      ReplayOptions options;
      options.samples = 50;
      options.release_at = {20000, 40000};
      DetailRequest request;
      request.options.marks = 60;
      const ReplayOutcome o = MustRun(blocks, policy, options, request);
      uint64_t told = 0, marks = 0, last = 0;
      for (const proto::Mark& m : o.detail->marks()) {
        EXPECT_LE(m.time_ns() + m.duration_ns(), t);
        if (m.kind() == proto::MARK_KIND_RELEASE) told += m.value();
        if (m.kind() != proto::MARK_KIND_SCAVENGE) continue;
        EXPECT_GE(m.time_ns(), last);
        EXPECT_NE(m.value(), 0u);
        last = m.time_ns() + m.duration_ns();
        told += m.value();
        ++marks;
      }
      SCOPED_TRACE(proto::Release::Rule_Name(rule) + " " + proto::Reclaim_Name(reclaim));
      EXPECT_EQ(told, o.os.released_bytes);
      EXPECT_LE(marks, 60u);
      if (rule == proto::Release::RULE_AT_ONCE) {
        EXPECT_GE(marks, 20u);
      }
    }
  }
}

}  // namespace
}  // namespace heapsim::sim
