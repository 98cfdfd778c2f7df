#include "sim/replay/trace_history.h"

#include <bit>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "traces/block_builder.h"

namespace heapsim::sim {
namespace {

using traces::EventKind;

template <typename Feed>
proto::Detail History(uint64_t events, uint32_t largest, Feed feed) {
  TraceHistory history(events, /*time_by_events=*/false);
  traces::BlockBuilder builder([&](const traces::EventBlock& b) {
    history.Add(b);
    return absl::OkStatus();
  });
  feed(&builder);
  builder.Flush();
  proto::Detail detail;
  history.Finish(largest, &detail);
  return detail;
}

TEST(TraceHistory, LivesBySite) {
  const proto::Detail d = History(32, 10, [](traces::BlockBuilder* b) {
    std::vector<uint32_t> kept;
    for (int i = 0; i < 16; ++i) {
      b->SetTime(static_cast<uint64_t>(i) * 100);
      b->SetCallSite(3);
      b->Alloc(EventKind::kMalloc, 10);  // a leak
      b->SetCallSite(7);
      kept.push_back(b->Alloc(EventKind::kMalloc, 20000000));
      if (i == 7) {
        for (const uint32_t id : kept) b->Free(id);
        b->Alloc(EventKind::kMalloc, 0);
        return;
      }
    }
  });
  ASSERT_EQ(d.call_sites_size(), 2);
  EXPECT_EQ(d.call_sites(0).id(), 3u);
  EXPECT_EQ(d.call_sites(0).allocations(), 8u);
  EXPECT_EQ(d.call_sites(0).allocated_bytes(), 80u);
  EXPECT_EQ(d.call_sites(0).freed_bytes(), 0u);
  EXPECT_EQ(d.call_sites(1).id(), 7u);
  EXPECT_EQ(d.call_sites(1).peak_live_bytes(), 160000000u);
  EXPECT_EQ(d.call_sites(1).peak_live_at_event(), 16u);
  EXPECT_EQ(d.call_sites(1).freed_bytes(), 160000000u);
  // 25 events of 32 done: each sixteenth is two of them.
  ASSERT_EQ(d.call_sites(0).live_bytes_by_sixteenths_size(), 17);
  EXPECT_EQ(d.call_sites(0).live_bytes_by_sixteenths(0), 0u);
  EXPECT_EQ(d.call_sites(0).live_bytes_by_sixteenths(3), 30u);
  EXPECT_EQ(d.call_sites(0).live_bytes_by_sixteenths(16), 80u);
  EXPECT_EQ(d.call_sites(1).live_bytes_by_sixteenths(8), 160000000u);
  EXPECT_EQ(d.call_sites(1).live_bytes_by_sixteenths(9), 120000000u);
  EXPECT_EQ(d.call_sites(1).live_bytes_by_sixteenths(16), 0u);
  // The first of the eight lived from event 2 to 17, the last from 16 to 24.
  ASSERT_EQ(d.lifetimes().by_events_size(), 1);
  EXPECT_EQ(d.lifetimes().by_events(0).min(), 8u);
  EXPECT_EQ(d.lifetimes().by_events(0).objects(), 8u);
  EXPECT_EQ(d.lifetimes().by_events(0).bytes(), 160000000u);
  // 700, 600 ... 0 ns.
  ASSERT_EQ(d.lifetimes().by_ns_size(), 5);
  EXPECT_EQ(d.lifetimes().by_ns(0).min(), 0u);
  EXPECT_EQ(d.lifetimes().by_ns(0).objects(), 1u);
  EXPECT_EQ(d.lifetimes().by_ns(4).min(), 512u);
  EXPECT_EQ(d.lifetimes().by_ns(4).objects(), 2u);
  EXPECT_EQ(d.lifetimes().unfreed_objects(), 9u);
  EXPECT_EQ(d.lifetimes().unfreed_bytes(), 80u);
}

TEST(TraceHistory, ReallocBeginsANewLifeAtItsSite) {
  const proto::Detail d = History(3, 10, [](traces::BlockBuilder* b) {
    b->SetCallSite(4);
    const uint32_t id = b->Alloc(EventKind::kMalloc, 10);
    b->Resize(id, 30);
    b->Free(id);
  });
  ASSERT_EQ(d.call_sites_size(), 1);
  EXPECT_EQ(d.call_sites(0).id(), 4u);
  EXPECT_EQ(d.call_sites(0).allocations(), 2u);
  EXPECT_EQ(d.call_sites(0).allocated_bytes(), 40u);
  EXPECT_EQ(d.call_sites(0).peak_live_bytes(), 30u);
  EXPECT_EQ(d.lifetimes().by_events(0).objects(), 2u);
}

// Times are kept in 32 bits from bases on: ages across many of them, from one event to the next.
TEST(TraceHistory, AgesInNanosecondsAcrossLongTimes) {
  std::mt19937_64 random(5);
  std::map<uint64_t, uint64_t> expected;  // objects by the bit width of their age
  const proto::Detail d = History(20000, 10, [&](traces::BlockBuilder* b) {
    uint64_t now = 0;
    std::vector<std::pair<uint32_t, uint64_t>> live;  // object, born
    for (int i = 0; i < 20000; ++i) {
      now += random() % 4 == 0 ? random() % (uint64_t{1} << (random() % 36)) : 0;
      b->SetTime(now);
      if (live.size() > 500 || (!live.empty() && random() % 3 == 0)) {
        std::swap(live[random() % live.size()], live.back());
        const auto [id, born] = live.back();
        live.pop_back();
        ++expected[static_cast<uint64_t>(std::bit_width(now - born))];
        b->Free(id);
      } else {
        live.push_back({b->Alloc(EventKind::kMalloc, 8), now});
      }
    }
    ASSERT_GT(now, uint64_t{100} << 32);
  });
  std::map<uint64_t, uint64_t> found;
  for (const proto::LifetimeBucket& bucket : d.lifetimes().by_ns()) {
    found[static_cast<uint64_t>(std::bit_width(bucket.min()))] = bucket.objects();
  }
  EXPECT_EQ(found, expected);
}

TEST(TraceHistory, SizesStandInForSites) {
  const proto::Detail d = History(3, 1, [](traces::BlockBuilder* b) {
    b->Alloc(EventKind::kMalloc, 10);
    b->Alloc(EventKind::kMalloc, 16);
    b->Alloc(EventKind::kMalloc, 7);
  });
  // Only the largest was asked for.
  ASSERT_EQ(d.call_sites_size(), 1);
  EXPECT_EQ(d.call_sites(0).id(), 2u);
  EXPECT_EQ(d.call_sites(0).allocated_bytes(), 26u);
}

}  // namespace
}  // namespace heapsim::sim
