#include "sim/replay/replay.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sim/replay/replay_test_util.h"
#include "tests/bench/synthetic_trace.h"
#include "traces/random_events.h"

namespace heapsim::sim {
namespace {

using traces::EventBlock;
using traces::EventKind;

// The fast loop does what the plain one does, to the last bit.
TEST(ReplayTest, BatchesGiveThePlainLoopsResult) {
  for (const uint32_t live : {3u, 200u, 20000u}) {
    bench::SyntheticOptions synthetic;
    synthetic.events = 300000;
    synthetic.live_objects = live;
    synthetic.max_bytes = live < 1000 ? 1 << 20 : 100000;
    synthetic.seed = live;
    const std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
    for (const int64_t sweep_ns : {-1, 0, 1, 10000}) {
      proto::Policy policy = Policy(proto::RECLAIM_GC);
      policy.mutable_gc()->set_bg_sweep_ns(sweep_ns);
      ReplayOptions options;
      options.samples = 77;
      options.release_at = {1000, 150001, 300000};
      options.settle_ns = 400'000'000'000;
      const ReplayOutcome fast = MustRun(blocks, policy, options);
      options.one_at_a_time = true;
      const ReplayOutcome plain = MustRun(blocks, policy, options);
      ExpectSame(fast, plain);
      ExpectPartsSum(fast);
      EXPECT_EQ(fast.events, 300000u);
    }
  }
}

TEST(ReplayTest, ExplicitFreesInOrderGiveThePlainLoopsResult) {
  for (const uint32_t live : {3u, 200u, 20000u}) {
    bench::SyntheticOptions synthetic;
    synthetic.events = 300000;
    synthetic.live_objects = live;
    synthetic.seed = live + 7;
    std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
    for (const bool timed : {false, true}) {
      if (timed) {
        uint64_t t = 0;
        for (EventBlock& b : blocks) {
          for (uint32_t i = 0; i < b.count; ++i) {
            t += i % 3000 == 0 ? 40'000'000'000 : i % 50 == 0 ? 20000 : 0;
            b.time_ns.push_back(i % 777 == 0 && t > 5000 ? t - 5000 : t);
          }
        }
      }
      ReplayOptions options;
      options.samples = 77;
      options.release_at = {1000, 150001, 300000};
      options.settle_ns = 400'000'000'000;
      const ReplayOutcome fast = MustRun(blocks, Policy(proto::RECLAIM_EXPLICIT), options);
      options.one_at_a_time = true;
      ExpectSame(fast, MustRun(blocks, Policy(proto::RECLAIM_EXPLICIT), options));
      ExpectPartsSum(fast);
      EXPECT_EQ(fast.events, 300000u);
    }
  }
}

TEST(ReplayTest, BatchesWithRecordedTimesAndOddEvents) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    traces::RandomEventsOptions random;
    random.seed = seed;
    random.events = 60000;
    random.columns = seed % 2 == 0;
    std::vector<EventBlock> blocks = ModestRandomBlocks(random);
    // Stretches of plain events, and times, which random events lack.
    bench::SyntheticOptions synthetic;
    synthetic.events = 100000;
    synthetic.live_objects = 500;
    if (seed % 2 == 1) {
      blocks = MakeSyntheticTrace(synthetic);
      uint64_t t = 0;
      for (EventBlock& b : blocks) {
        for (uint32_t i = 0; i < b.count; ++i) {
          t += i % 1000 == 0 ? 40'000'000'000 : i % 50 == 0 ? 20000 : 0;
          b.time_ns.push_back(i % 777 == 0 && t > 5000 ? t - 5000 : t);
        }
      }
    }
    ReplayOptions options;
    options.samples = 50;
    const ReplayOutcome fast = MustRun(blocks, Policy(proto::RECLAIM_GC), options);
    options.one_at_a_time = true;
    ExpectSame(fast, MustRun(blocks, Policy(proto::RECLAIM_GC), options));
  }
}

// Small objects come in plain stretches, and what is odd about them later: whether a reallocation
// may grow an object in its slot depends on how it was made.
TEST(ReplayTest, SmallObjectsOfBatchesAreReallocatedLikeAnyOther) {
  std::mt19937 random(3);
  const std::vector<EventBlock> blocks = Build([&](traces::BlockBuilder* b) {
    std::vector<uint32_t> live;
    const auto any = [&] { return live[random() % live.size()]; };
    const auto size = [&] { return 1 + random() % 24; };
    while (b->events() < 60000) {
      for (int i = 0; i < 500; ++i) {
        if (live.size() > 1500 && random() % 2 == 0) {
          std::swap(live[random() % live.size()], live.back());
          b->Free(live.back());
          live.pop_back();
        } else {
          live.push_back(b->Alloc(EventKind::kMalloc, size()));
        }
      }
      for (int i = 0; i < 60; ++i) {
        switch (random() % 4) {
          case 0:
            live.push_back(b->Alloc(EventKind::kMemalign, size(), 8 << random() % 2));
            break;
          case 1:
            live.push_back(b->Alloc(EventKind::kCalloc, size()));
            break;
          default:
            b->Resize(any(), size());
        }
      }
    }
  });
  for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    for (const bool tiny : {false, true}) {
      proto::Policy policy = Policy(reclaim);
      policy.set_tiny(tiny);
      ReplayOptions options;
      options.samples = 20;  // where more are due, batches are too short
      const ReplayOutcome fast = MustRun(blocks, policy, options);
      options.one_at_a_time = true;
      ExpectSame(fast, MustRun(blocks, policy, options));
    }
  }
}

// Slots of up to 256 KiB, the largest whose requests an object's entry has room for.
TEST(ReplayTest, BatchesOfTheLargestClassesGiveThePlainLoopsResult) {
  for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    bench::SyntheticOptions synthetic;
    synthetic.events = 50000;
    synthetic.live_objects = 1000;
    std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
    for (EventBlock& b : blocks) {
      for (size_t a = 0; a < b.alloc_size.size(); a += 5) {
        b.alloc_size[a] = static_cast<uint32_t>(heap::kMaxSlotBytes - a * 7919 % 210000);
      }
    }
    proto::Policy policy = Policy(reclaim);
    policy.set_size_classes(proto::SIZE_CLASSES_TCMALLOC);
    ReplayOptions options;
    const ReplayOutcome fast = MustRun(blocks, policy, options);
    options.one_at_a_time = true;
    ExpectSame(fast, MustRun(blocks, policy, options));
    ExpectPartsSum(fast);
  }
}

// Threads come in stretches, short ones and long ones, with recorded times.
TEST(ReplayTest, BatchesOfSeveralThreadsGiveThePlainLoopsResult) {
  for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    for (const uint32_t live : {200u, 20000u}) {
      bench::SyntheticOptions synthetic;
      synthetic.events = 300000;
      synthetic.live_objects = live;
      synthetic.seed = live + 11;
      std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
      uint64_t state = live, t = 0;
      uint32_t thread = 0, left = 0;
      for (EventBlock& b : blocks) {
        for (uint32_t i = 0; i < b.count; ++i) {
          if (left-- == 0) {
            state = state * 6364136223846793005 + 1442695040888963407;
            thread = static_cast<uint32_t>(state >> 33) % 7;
            left = static_cast<uint32_t>(state >> 40) % (state >> 63 == 0 ? 20 : 700);
          }
          b.thread.push_back(thread);
          t += i % 3000 == 0 ? 40'000'000'000 : i % 50 == 0 ? 20000 : 0;
          b.time_ns.push_back(t);
        }
      }
      ReplayOptions options;
      options.samples = 77;
      options.release_at = {1000, 150001};
      const ReplayOutcome fast = MustRun(blocks, Policy(reclaim, 3), options);
      options.one_at_a_time = true;
      ExpectSame(fast, MustRun(blocks, Policy(reclaim, 3), options));
      ExpectPartsSum(fast);
    }
  }
}

// The machine's memory ends in the middle of a batch.
TEST(ReplayTest, OutOfMemoryStopsBothLoopsAtTheSameEvent) {
  bench::SyntheticOptions synthetic;
  synthetic.events = 200000;
  synthetic.live_objects = 20000;
  std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
  for (const int64_t limit : {100000, 500000, 1000000, 3000000, 1000001, 3000001}) {
    // Times that go backwards every third event: those after the end are not counted.
    if (limit == 1000001) {
      for (EventBlock& b : blocks) {
        for (uint32_t i = 0; i < b.count; ++i) {
          b.time_ns.push_back((b.first_event + i) * 1000 - (i % 3 == 2 ? 1500 : 0));
        }
      }
    }
    proto::Policy policy = Policy(limit == 500000 ? proto::RECLAIM_EXPLICIT : proto::RECLAIM_GC);
    policy.mutable_os()->set_limit_bytes(limit);
    ReplayOptions options;
    options.samples = 20;  // where more are due, batches are too short
    const ReplayOutcome fast = MustRun(blocks, policy, options);
    options.one_at_a_time = true;
    ExpectSame(fast, MustRun(blocks, policy, options));
    EXPECT_FALSE(fast.complete);
    EXPECT_NE(fast.fatal, "");
    ExpectPartsSum(fast);
  }
}

// The ledger's parts are those counted page by page, and the heap's structures agree, at every 50th
// event.
TEST(ReplayTest, PartsAreThoseCountedPageByPage) {
  for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      traces::RandomEventsOptions random;
      random.seed = seed;
      random.events = 8000;
      random.addresses = 400;
      proto::Policy policy = Policy(reclaim, static_cast<int>(seed % 3) + 1);
      const proto::Objects::Touch touch[] = {
          proto::Objects::TOUCH_WHOLE, proto::Objects::TOUCH_FIRST, proto::Objects::TOUCH_NONE};
      policy.mutable_objects()->set_touch(touch[seed % 3]);
      if (seed % 4 == 3) policy.mutable_os()->set_page_size(65536);
      if (seed % 4 == 2) policy.mutable_gc()->set_mark_bytes_per_second(100000000);
      if (seed % 2 == 0) policy.mutable_objects()->set_zero(proto::Objects::ZERO_ALL);
      if (seed % 5 == 0) policy.mutable_release()->set_advice(proto::Release::ADVICE_FREE);
      ReplayOptions options;
      options.check_every = 50;
      options.release_at = {1000, 2000, 7000, 8000};
      const ReplayOutcome o = MustRun(ModestRandomBlocks(random), policy, options);
      ExpectPartsSum(o);
    }
  }
}

TEST(ReplayTest, KnowingTheLengthChangesNothing) {
  for (const uint64_t events : {700u, 5000u, 70000u}) {
    const std::vector<EventBlock> blocks =
        bench::MakeSyntheticTrace({.events = events, .live_objects = 200});
    proto::Policy ideal;
    ideal.set_engine(proto::ENGINE_IDEAL);
    for (const proto::Policy& policy :
         {Policy(proto::RECLAIM_GC), Policy(proto::RECLAIM_EXPLICIT), ideal}) {
      ReplayOptions options;
      options.samples = 50;
      options.release_at = {events / 2};
      KeptBlocks source(&blocks, events);
      const absl::StatusOr<ReplayOutcome> known = RunReplay(source, policy, options);
      ASSERT_TRUE(known.ok()) << known.status();
      ExpectSame(*known, MustRun(blocks, policy, options));
    }
  }
}

TEST(ReplayTest, ARunThatEndsEarlyHasSamples) {
  const std::vector<EventBlock> blocks =
      bench::MakeSyntheticTrace({.events = 100000, .live_objects = 20000});
  proto::Policy policy = Policy(proto::RECLAIM_GC);
  policy.mutable_os()->set_limit_bytes(1 << 20);
  ReplayOptions options;
  options.samples = 100;
  const ReplayOutcome unknown = MustRun(blocks, policy, options);
  KeptBlocks source(&blocks, 100000);
  const absl::StatusOr<ReplayOutcome> known = RunReplay(source, policy, options);
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_FALSE(known->complete);
  EXPECT_EQ(known->state_hash, unknown.state_hash);
  EXPECT_EQ(known->events, unknown.events);
  ASSERT_GT(known->events, 2560u);
  EXPECT_LT(known->series.size(), unknown.series.size());
  EXPECT_GE(known->series.size(), known->events / 256);
}

TEST(ReplayTest, TheIdealIsWholePagesOfLiveBytes) {
  const std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    const uint32_t x = b->Alloc(EventKind::kMalloc, 5000);
    b->Alloc(EventKind::kMalloc, 3000);
    b->Free(x);
  });
  proto::Policy policy;
  policy.set_engine(proto::ENGINE_IDEAL);
  const ReplayOutcome o = MustRun(blocks, policy, {});
  EXPECT_EQ(o.peak_rss, 8192u);
  EXPECT_EQ(o.peak_rss_at_event, 1u);
  EXPECT_EQ(o.end_rss, 4096u);
  EXPECT_EQ(o.peak_live, 8000u);
}

TEST(ReplayTest, ReallocInPlaceAndMoving) {
  const auto run = [](uint64_t from, uint64_t to) {
    return MustRun(Build([&](traces::BlockBuilder* b) {
                     const uint32_t x = b->Alloc(EventKind::kMalloc, from);
                     b->Resize(x, to);
                   }),
                   Policy(proto::RECLAIM_EXPLICIT), {})
        .heap->nsmallfree;
  };
  EXPECT_EQ(run(100, 112)[8], 0u);  // one class: in place
  EXPECT_EQ(run(100, 113)[8], 1u);  // the next: a new slot, the old one free
  EXPECT_EQ(run(113, 112)[9], 1u);
}

// Neither is part of a tiny block, so each has the rest of its slot.
TEST(ReplayTest, SmallObjectsThatAreNotTinyGrowInPlace) {
  const auto slots_freed = [](auto feed) {
    return MustRun(Build(feed), Policy(proto::RECLAIM_EXPLICIT), {}).heap->nsmallfree[2];
  };
  EXPECT_EQ(slots_freed([](traces::BlockBuilder* b) {
              b->Resize(b->Alloc(EventKind::kMemalign, 9, 16), 12);
            }),
            0u);
  EXPECT_EQ(slots_freed([](traces::BlockBuilder* b) {
              const uint32_t x = b->Alloc(EventKind::kMalloc, 16);
              b->Resize(x, 10);
              b->Resize(x, 12);
            }),
            0u);
  // A tiny one does not: the next block takes the place of its own.
  EXPECT_EQ(slots_freed([](traces::BlockBuilder* b) {
              const uint32_t x = b->Alloc(EventKind::kMalloc, 15);
              b->Resize(x, 10);
              b->Resize(x, 12);
              b->Resize(x, 9);
              b->Resize(x, 10);
            }),
            2u);
}

TEST(ReplayTest, AnIdFreedTwiceIsAnError) {
  std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    for (int i = 0; i < 100; ++i) b->Alloc(EventKind::kMalloc, 10);
    for (uint32_t i = 0; i < 50; ++i) b->Free(i);
  });
  blocks[0].free_object[20] = 3;
  for (const bool plain : {false, true}) {
    KeptBlocks source(&blocks);
    ReplayOptions options;
    options.one_at_a_time = plain;
    const auto outcome = RunReplay(source, Policy(proto::RECLAIM_GC), options);
    KeptBlocks again(&blocks);
    EXPECT_EQ(RunReplay(again, Policy(proto::RECLAIM_EXPLICIT), options).status(),
              outcome.status());
    ASSERT_FALSE(outcome.ok());
    EXPECT_NE(std::string(outcome.status().message()).find("event 121"), std::string::npos)
        << outcome.status();
  }
}

TEST(ReplayTest, ALargerObjectThanTheArenaEndsTheRun) {
  const std::vector<EventBlock> blocks = Build([](traces::BlockBuilder* b) {
    b->Alloc(EventKind::kMalloc, 100);
    b->Alloc(EventKind::kMalloc, uint64_t{1} << 62);
  });
  const ReplayOutcome o = MustRun(blocks, Policy(proto::RECLAIM_GC), {});
  EXPECT_FALSE(o.complete);
  EXPECT_NE(o.fatal.find("out of memory"), std::string::npos) << o.fatal;
}

}  // namespace
}  // namespace heapsim::sim
