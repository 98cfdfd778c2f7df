// The page level against a model that is obviously right: a page is a bool, and a request takes the
// first run of them.

#include "heap/pages/go119/page_heap.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::heap::go119 {
namespace {

constexpr Address kStart{0xc000000000};

// Gives everything that is asked for, where it is asked for.
class EasyOs final : public Os {
 public:
  Bytes PhysicalPageSize() const override { return Bytes(page); }
  Address Reserve(Address hint, Bytes length) override {
    if (!hint.is_null()) return refuse.count(hint.v) != 0 ? Address() : hint;
    next_ = next_ + Bytes(RoundUp(length.v, kArenaBytes.v));
    return next_ - Bytes(RoundUp(length.v, kArenaBytes.v));
  }
  bool Map(MapArea, Address, Bytes, SysStat) override { return true; }
  Address Alloc(Bytes length, SysStat) override { return Reserve(Address(), length); }
  void Free(Address, Bytes, SysStat) override {}
  bool Advise(Address, Bytes, Advice) override { return true; }
  void Fault(Address, Bytes) override {}
  Address Persistent(Bytes size, Bytes, SysStat, Bytes) override {
    return Reserve(Address(), size);
  }
  void Touch(Address, Bytes) override {}

  uint64_t page = 4096;
  std::map<uint64_t, bool> refuse;

 private:
  Address next_{uint64_t{1} << 40};
};

struct Model {
  std::vector<bool> taken, scavenged;  // by page from kStart
  struct Cache {
    uint64_t base = 0;
    std::vector<uint64_t> pages;  // its own
    std::vector<bool> scavenged = std::vector<bool>(64);
  };
  std::vector<Cache> caches;

  struct Placed {
    uint64_t page;
    uint64_t scavenged;
    bool from_cache;
  };

  bool FirstFit(uint64_t n, uint64_t* at) const {
    uint64_t run = 0;
    for (uint64_t p = 0; p < taken.size(); ++p) {
      run = taken[p] ? 0 : run + 1;
      if (run == n) {
        *at = p + 1 - n;
        return true;
      }
    }
    return false;
  }

  Placed Allocate(int32_t proc, uint64_t n) {
    uint64_t at = 0;
    if (proc >= 0 && n < 16) {
      Cache& c = caches[static_cast<uint32_t>(proc)];
      if (c.pages.empty() && FirstFit(1, &at)) {
        c.base = at / 64 * 64;
        for (uint64_t p = c.base; p < c.base + 64; ++p) {
          c.scavenged[p % 64] = !taken[p] && scavenged[p];
          if (taken[p]) continue;
          c.pages.push_back(p);
          taken[p] = true;
          scavenged[p] = false;
        }
      }
      for (size_t i = 0; i + n <= c.pages.size(); ++i) {
        if (c.pages[i + n - 1] != c.pages[i] + n - 1) continue;
        Placed placed{c.pages[i], 0, true};
        for (uint64_t k = 0; k < n; ++k) placed.scavenged += c.scavenged[(placed.page + k) % 64];
        c.pages.erase(c.pages.begin() + static_cast<std::ptrdiff_t>(i),
                      c.pages.begin() + static_cast<std::ptrdiff_t>(i + n));
        return placed;
      }
    }
    if (!FirstFit(n, &at)) {
      const uint64_t grown = (n + 511) / 512 * 512;
      taken.resize(taken.size() + grown, false);
      scavenged.resize(taken.size(), true);
      EXPECT_TRUE(FirstFit(n, &at));
    }
    Placed placed{at, 0, false};
    for (uint64_t p = at; p < at + n; ++p) {
      placed.scavenged += scavenged[p];
      taken[p] = true;
      scavenged[p] = false;
    }
    return placed;
  }
};

struct Setting {
  uint32_t seed;
  uint32_t procs;
  uint64_t max_pages;  // of a request
  uint64_t os_page;
};

class ModelTest : public testing::TestWithParam<Setting> {};

TEST_P(ModelTest, SameAddresses) {
  const Setting setting = GetParam();
  EasyOs os;
  os.page = setting.os_page;
  ArenaHints space(&os);
  Surroundings surroundings;
  PageObserver observer;
  PageHeap heap(&os, &space, Bytes(2 << 20), &surroundings, &observer);
  heap.SetProcs(setting.procs);
  heap.SetMemoryLimit(uint64_t{INT64_MAX});
  heap.SetGoals({kNoGoal, kNoGoal});
  Model model;
  model.caches.resize(setting.procs);

  std::mt19937 random(setting.seed);
  std::vector<std::pair<uint64_t, uint64_t>> live;  // page, pages
  for (int i = 0; i < 6000; ++i) {
    const bool grows = random() % 1000 < (i / 1500 % 2 == 0 ? 560 : 420);
    if (live.empty() || grows) {
      const uint64_t n = random() % 6 == 0 ? 1 + random() % setting.max_pages : 1 + random() % 20;
      const int32_t proc = static_cast<int32_t>(random() % (setting.procs + 1)) - 1;
      PageHeap::Allocation a = PageHeap::NewAllocation(proc, n, Use::kHeap);
      heap.Run(&a);
      const Model::Placed placed = model.Allocate(proc, n);
      ASSERT_EQ((a.base() - kStart).v >> kPageShift, placed.page) << "step " << i;
      ASSERT_EQ(a.scavenged(), placed.scavenged) << "step " << i;
      ASSERT_EQ(a.from_cache(), placed.from_cache) << "step " << i;
      live.push_back({placed.page, n});
    } else if (random() % 100 != 0) {
      const size_t k = random() % live.size();
      const auto [page, n] = live[k];
      live[k] = live.back();
      live.pop_back();
      heap.Free(kStart + Pages(page).bytes(), n, Use::kHeap);
      std::fill_n(model.taken.begin() + static_cast<std::ptrdiff_t>(page), n, false);
    } else {
      // What is scavenged is looked up, but it must be free pages, and never one that was already.
      const uint64_t want = random() % 3 == 0 ? UINT64_MAX : 1 + random() % (8 << 20);
      PageHeap::Scavenge s = PageHeap::NewScavenge(kForced, want);
      heap.Run(&s);
      uint64_t fresh = 0;
      for (uint64_t p = 0; p < model.taken.size(); ++p) {
        const Address a = kStart + Pages(p).bytes();
        const bool scavenged = heap.bits().chunk(ChunkIndex(a)).scavenged.Get(PageInChunk(a));
        ASSERT_FALSE(scavenged && model.taken[p]) << p;
        ASSERT_TRUE(scavenged || !model.scavenged[p]) << p;
        fresh += scavenged && !model.scavenged[p];
        model.scavenged[p] = scavenged;
      }
      ASSERT_EQ(Pages(fresh).bytes().v, s.released());
    }
    if (i % 50 == 0) heap.SelfCheck();
  }
  EXPECT_GT(model.taken.size(), 2000u);
}

INSTANTIATE_TEST_SUITE_P(Settings, ModelTest,
                         testing::Values(Setting{1, 0, 40, 4096}, Setting{2, 0, 2000, 4096},
                                         Setting{3, 1, 40, 4096}, Setting{4, 4, 600, 4096},
                                         Setting{5, 2, 3000, 65536}));

// What is in the way of a growing heap makes it go on elsewhere, and the whole stays consistent.
TEST(PageHeap, AddressSpaceWithHoles) {
  EasyOs os;
  os.refuse[kStart.v + 2 * kArenaBytes.v] = true;
  ArenaHints space(&os);
  Surroundings surroundings;
  PageObserver observer;
  PageHeap heap(&os, &space, Bytes(2 << 20), &surroundings, &observer);
  heap.SetMemoryLimit(uint64_t{INT64_MAX});
  heap.SetGoals({kNoGoal, kNoGoal});
  std::vector<Address> places;
  for (int i = 0; i < 5; ++i) {
    PageHeap::Allocation a = PageHeap::NewAllocation(kNoProc, 6000, Use::kHeap);
    heap.Run(&a);
    places.push_back(a.base());
    heap.SelfCheck();
  }
  const Address second(kStart.v + (uint64_t{1} << 40));
  EXPECT_EQ(places[0], kStart);
  EXPECT_EQ(places[1], kStart + Pages(6000).bytes());
  EXPECT_EQ(places[2], second);
  EXPECT_EQ(heap.bits().ranges().ranges().size(), 2u);
  for (const Address a : places) heap.Free(a, 6000, Use::kHeap);
  heap.SelfCheck();
  EXPECT_EQ(heap.bits().search(), kStart);
  // A run may cross from one arena into the next, but not the gap.
  PageHeap::Allocation a = PageHeap::NewAllocation(kNoProc, 16000, Use::kHeap);
  heap.Run(&a);
  EXPECT_EQ(a.base(), kStart);
  PageHeap::Allocation b = PageHeap::NewAllocation(kNoProc, 16000, Use::kHeap);
  heap.Run(&b);
  EXPECT_EQ(b.base(), second);
}

TEST(PageHeap, MemoryLimitIsKeptByAssists) {
  EasyOs os;
  ArenaHints space(&os);
  Surroundings surroundings;
  PageObserver observer;
  PageHeap heap(&os, &space, Bytes(2 << 20), &surroundings, &observer);
  heap.SetProcs(1);
  heap.SetMemoryLimit(uint64_t{32} << 20);
  heap.SetGoals({kNoGoal, kNoGoal});
  const auto take = [&](uint64_t n) {
    PageHeap::Allocation a = PageHeap::NewAllocation(0, n, Use::kHeap);
    heap.Run(&a);
    return a.base();
  };
  const Address a = take(2000);
  heap.Free(a, 1000, Use::kHeap);
  EXPECT_EQ(heap.counters().heap_free, Pages(1000).bytes().v);
  // It does not fit into what is free, and all that is free has to go for it.
  take(1500);
  EXPECT_LE(heap.counters().mapped_ready, uint64_t{32} << 20);
  EXPECT_GT(heap.counters().heap_released, 0u);
  heap.SelfCheck();
}

TEST(ScavengeSleep, LessThanAMillisecondCountsAsOne) {
  ScavengeSleep sleep;
  EXPECT_EQ(sleep.SleepAfter(1e6), 1000000000);
  EXPECT_EQ(sleep.SleepAfter(10), 1000000000);
  EXPECT_EQ(sleep.SleepAfter(2e6), 2000000000);
  // However the controller swings, the ratio stays within its limits.
  for (int i = 0; i < 20000; ++i) {
    EXPECT_EQ(sleep.Slept(1e6, sleep.SleepAfter(1e6), 1), ScavengeSleep::State::kOk);
    ASSERT_GE(sleep.ratio(), 0.001);
    ASSERT_LE(sleep.ratio(), 1000.0);
  }
}

TEST(PaceScavenger, Goals) {
  const uint64_t mib = 1 << 20;
  // The next heap may be twice the last: a tenth more than twice of what was in use.
  ScavengeGoals goals =
      PaceScavenger(8 * mib, 4 * mib, INT64_MAX, 10 * mib, 50 * mib, 40 * mib, Bytes(4096));
  EXPECT_EQ(goals.gc_percent, 22 * mib);
  EXPECT_EQ(goals.memory_limit, kNoGoal);
  EXPECT_TRUE(ShouldScavenge(goals, 40 * mib, 50 * mib));
  EXPECT_FALSE(ShouldScavenge(goals, 22 * mib, 50 * mib));
  // Less than an OS page above it is not worth it; before the second collection nothing is known.
  goals =
      PaceScavenger(8 * mib, 4 * mib, INT64_MAX, 10 * mib, 50 * mib, 22 * mib + 4095, Bytes(4096));
  EXPECT_EQ(goals.gc_percent, kNoGoal);
  goals = PaceScavenger(8 * mib, 0, INT64_MAX, 10 * mib, 50 * mib, 40 * mib, Bytes(4096));
  EXPECT_EQ(goals.gc_percent, kNoGoal);
}

}  // namespace
}  // namespace heapsim::heap::go119
