// Traces of known size through the real allocators. One that is not installed is skipped by name.

#include "sim/native/native_replay.h"

#include <sys/personality.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/native/available_memory.h"
#include "sim/policies/registry.h"
#include "sim/replay/replay_test_util.h"
#include "traces/block_builder.h"

namespace heapsim::sim {
namespace {

using ::testing::HasSubstr;
using traces::BlockBuilder;
using traces::EventKind;

constexpr uint64_t kMiB = 1 << 20;

bool Sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

class NativeReplayTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (Sanitized()) GTEST_SKIP() << "a sanitizer brings a malloc of its own";
    policy_ = *LoadPolicy(GetParam());
    const std::vector<EventBlock> nothing;
    KeptBlocks source(&nothing);
    const absl::Status status = RunNativeReplay(source, policy_, {}).status();
    if (absl::IsNotFound(status)) GTEST_SKIP() << status.message();
    ASSERT_TRUE(status.ok()) << status;
  }

  ReplayOutcome Replay(const std::vector<EventBlock>& blocks, ReplayOptions options = {}) {
    options.samples = 100;
    KeptBlocks source(&blocks);
    absl::StatusOr<ReplayOutcome> outcome = RunNativeReplay(source, policy_, options);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *std::move(outcome) : ReplayOutcome{};
  }

  proto::Policy policy_;
};

// Expected bytes and what is beyond them, as a share.
void ExpectNear(uint64_t bytes, uint64_t expected, double share) {
  EXPECT_GE(static_cast<double>(bytes), 0.98 * static_cast<double>(expected));
  EXPECT_LE(static_cast<double>(bytes), (1 + share) * static_cast<double>(expected));
}

TEST_P(NativeReplayTest, TakesWhatIsTouched) {
  const ReplayOutcome o = Replay(Build([](BlockBuilder* b) {
    for (int i = 0; i < 5000; ++i) b->Alloc(EventKind::kMalloc, 8192);
  }));
  EXPECT_TRUE(o.complete) << o.fatal;
  EXPECT_TRUE(o.measured);
  EXPECT_EQ(o.events, 5000u);
  EXPECT_EQ(o.peak_live, 5000u * 8192);
  ExpectNear(o.peak_rss, o.peak_live, 0.05);
  ExpectNear(o.rss_at_peak_live, o.peak_live, 0.05);
  EXPECT_EQ(o.end_rss, o.peak_rss);
  // The kernel's counter is some dozen pages a processor behind.
  EXPECT_GE(o.peak_rss_at_event, 4500u);
  ExpectNear(o.os.page_faults * 4096, o.peak_live, 0.05);
  EXPECT_NEAR(o.mean_rss_over_live, 1, 0.05);
  EXPECT_FALSE(o.series.empty());
  EXPECT_LE(o.series.size(), 102u);
}

TEST_P(NativeReplayTest, TouchesAsThePolicySays) {
  const std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    for (int i = 0; i < 16; ++i) b->Alloc(EventKind::kMalloc, 4 * kMiB);
  });
  // Beside 64 MiB. tcmalloc has a part of its page map more where its addresses are left to chance
  // (child.cc), on a system that insists on it.
  constexpr uint64_t kOwn = 4 * kMiB;
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_NONE);
  EXPECT_LT(Replay(blocks).peak_rss, kOwn);
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_FIRST);
  EXPECT_LT(Replay(blocks).peak_rss, kOwn);
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_WHOLE);
  ExpectNear(Replay(blocks).peak_rss, 64 * kMiB, 0.05);
}

// Where memory lies is no matter of chance, so neither is what the allocator needs to know it.
TEST_P(NativeReplayTest, OwnTablesAreTheSameInEveryRun) {
  const int before = personality(0xffffffff);
  if (personality(static_cast<unsigned long>(before) | ADDR_NO_RANDOMIZE) < 0) {
    GTEST_SKIP() << "this system does not let addresses be fixed";
  }
  personality(static_cast<unsigned long>(before));
  const std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    for (int i = 0; i < 16; ++i) b->Alloc(EventKind::kMalloc, 4 * kMiB);
  });
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_NONE);
  const uint64_t first = Replay(blocks).peak_rss;
  for (int run = 1; run < 20; ++run) {
    // A part of tcmalloc's page map is 2 MiB; jemalloc differs by pages.
    EXPECT_NEAR(static_cast<double>(Replay(blocks).peak_rss), static_cast<double>(first), 65536);
  }
}

// What is gone again after the next event is seen all the same.
TEST_P(NativeReplayTest, SeesASpike) {
  const ReplayOutcome o = Replay(Build([](BlockBuilder* b) {
    for (int i = 0; i < 999; ++i) b->Alloc(EventKind::kMalloc, 100);
    b->Free(b->Alloc(EventKind::kMalloc, 32 * kMiB));
    for (int i = 0; i < 999; ++i) b->Alloc(EventKind::kMalloc, 100);
  }));
  ExpectNear(o.peak_rss, 32 * kMiB, 0.05);
  EXPECT_EQ(o.peak_rss_at_event, 1000u);
  EXPECT_EQ(o.live_at_peak_rss, 32 * kMiB + 99900);
}

TEST_P(NativeReplayTest, MakesEveryKindOfCall) {
  const ReplayOutcome o = Replay(Build([](BlockBuilder* b) {
    const uint32_t zeroed = b->Alloc(EventKind::kCalloc, 3 * kMiB);
    const uint32_t aligned = b->Alloc(EventKind::kMemalign, 2 * kMiB, 65536);
    b->Alloc(EventKind::kMemalign, 10, 1);
    const uint32_t grows = b->Alloc(EventKind::kRealloc, 1000);
    b->Resize(grows, 4 * kMiB);
    b->Resize(grows, 5 * kMiB);
    b->Failed(EventKind::kMalloc, uint64_t{1} << 60);
    b->FreeNothing(EventKind::kFreeNull);
    b->Alloc(EventKind::kMalloc, 0);
    b->Resize(grows, 6 * kMiB, aligned);  // placed where an object was that nobody freed
    b->Free(zeroed);
    b->Resize(grows, 0);
    b->Free(grows, EventKind::kReallocFree);
  }));
  EXPECT_TRUE(o.complete) << o.fatal;
  EXPECT_EQ(o.events, 13u);
  EXPECT_EQ(o.peak_live, 10 * kMiB + 10);
  EXPECT_GE(o.peak_rss, 10 * kMiB);
  // All but glibc, which unmaps and moves whole mappings, keep what was freed and use none of it
  // for a block that is longer than any before: 3 + 2 + 4 + 5 + 6 MiB have been touched then.
  // Tables of their own take less than 80 KiB.
  EXPECT_LT(o.peak_rss, 20 * kMiB + (256 << 10));
}

TEST_P(NativeReplayTest, GivesBackWhenAsked) {
  ReplayOptions options;
  options.release_at = {4000};
  const ReplayOutcome o = Replay(Build([](BlockBuilder* b) {
                                   std::vector<uint32_t> ids;
                                   for (int i = 0; i < 2000; ++i) {
                                     ids.push_back(b->Alloc(EventKind::kMalloc, 8192));
                                   }
                                   for (const uint32_t id : ids) b->Free(id);
                                 }),
                                 options);
  std::vector<uint64_t> at_release;
  for (const Sample& s : o.series) {
    if (s.event == 4000) at_release.push_back(s.rss);
  }
  ASSERT_GE(at_release.size(), 2u);
  EXPECT_LE(at_release.back(), at_release.front());
  // tcmalloc keeps what its thread's cache holds and about 1 MiB in the list behind it, none of
  // which ReleaseFreeMemory looks at: 3.5 MiB here, and 1.4 MiB where
  // TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES holds the caches to 512 KiB. jemalloc's thread cache and
  // tables are 0.4 MiB; the others keep nothing.
  const bool tcmalloc = std::string(GetParam()) == "native:tcmalloc";
  EXPECT_LT(at_release.back(), tcmalloc ? 4 * kMiB : kMiB / 2);
  ExpectNear(o.peak_rss, 2000 * 8192, 0.1);
}

// Ids of a trace are dense. Here they are not, so that the table, which is ours, must grow.
TEST_P(NativeReplayTest, OwnTablesDoNotCount) {
  std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    for (int i = 0; i < 150000; ++i) b->Free(b->Alloc(EventKind::kMalloc, 64));
  });
  uint32_t next = 0;
  for (EventBlock& block : blocks) {
    uint32_t a = 0, f = 0;
    for (uint32_t i = 0; i < block.count; ++i) {
      if (block.IsFree(i)) {
        block.free_object[f++] = next - 1;
      } else {
        block.alloc_object[a++] = next++;
      }
    }
  }
  const ReplayOutcome o = Replay(blocks);
  EXPECT_EQ(o.events, 300000u);
  EXPECT_LT(o.peak_rss, kMiB);
  EXPECT_LT(o.os.page_faults, 256u);
}

// jemalloc gives back by age: ten seconds of the trace's time, however fast the replay is.
TEST_P(NativeReplayTest, TimeIsTheTraces) {
  if (std::string(GetParam()) != "native:jemalloc") GTEST_SKIP() << "gives nothing back by age";
  const auto blocks = [](uint64_t step_ns) {
    return Build([&](BlockBuilder* b) {
      uint64_t now = 0;
      b->SetTime(now);
      std::vector<uint32_t> ids;
      for (int i = 0; i < 3000; ++i) ids.push_back(b->Alloc(EventKind::kMalloc, 8192));
      for (const uint32_t id : ids) b->Free(id);
      for (int i = 0; i < 20000; ++i) {
        b->SetTime(now += step_ns);
        b->Free(b->Alloc(EventKind::kMalloc, 100000));
      }
    });
  };
  const ReplayOutcome seconds = Replay(blocks(100)), hours = Replay(blocks(1'000'000'000));
  EXPECT_GT(seconds.end_rss, 20 * kMiB);
  EXPECT_LT(hours.end_rss, 4 * kMiB);
}

TEST_P(NativeReplayTest, EndsEarlyWithWhatItHas) {
  const std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    for (int i = 0; i < 200000; ++i) b->Alloc(EventKind::kMalloc, 1000);
  });
  policy_.mutable_os()->set_limit_bytes(50 * kMiB);
  const ReplayOutcome limited = Replay(blocks);
  EXPECT_FALSE(limited.complete);
  EXPECT_THAT(limited.fatal, HasSubstr("os.limit_bytes"));
  EXPECT_GT(limited.events, 40000u);
  EXPECT_LT(limited.events, 70000u);

  policy_.mutable_os()->clear_limit_bytes();
  std::atomic<bool> stop{false};
  ReplayOptions options;
  options.stop = &stop;
  options.progress = [&](uint64_t) { stop = true; };
  const ReplayOutcome stopped = Replay(blocks, options);
  EXPECT_FALSE(stopped.complete);
  EXPECT_EQ(stopped.fatal, "");
  EXPECT_EQ(stopped.events, traces::kMaxBlockEvents);
}

TEST_P(NativeReplayTest, WhatCannotBeHadIsTold) {
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_NONE);
  const ReplayOutcome null = Replay(Build([](BlockBuilder* b) {
    b->Alloc(EventKind::kMalloc, 100);
    b->Alloc(EventKind::kMalloc, uint64_t{1} << 52);
  }));
  EXPECT_THAT(null.fatal, HasSubstr("no memory for 4503599627370496 bytes"));
  EXPECT_EQ(null.events, 1u);
  // Before the kernel looks for somebody to end.
  policy_.mutable_objects()->set_touch(proto::Objects::TOUCH_WHOLE);
  const ReplayOutcome machine = Replay(Build([](BlockBuilder* b) {
    for (int i = 0; i < 1 << 16; ++i) b->Alloc(EventKind::kMalloc, uint64_t{1} << 32);
  }));
  EXPECT_THAT(machine.fatal, HasSubstr("not enough memory"));
  EXPECT_EQ(machine.peak_rss, 0u);
}

TEST_P(NativeReplayTest, AnUnsoundTraceIsAnError) {
  std::vector<EventBlock> blocks = Build([](BlockBuilder* b) {
    const uint32_t id = b->Alloc(EventKind::kMalloc, 100);
    b->Free(id);
    b->Free(b->Alloc(EventKind::kMalloc, 100));
  });
  blocks[0].alloc_object[1] = 7;
  KeptBlocks source(&blocks);
  const absl::Status status = RunNativeReplay(source, policy_, {}).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("event 4"));
}

TEST_P(NativeReplayTest, SaysWhatItMeasured) {
  const ReplayOutcome o = Replay(Build([](BlockBuilder* b) {
    b->AddMarker(traces::MarkerKind::kGc, 0);
    b->Alloc(EventKind::kMalloc, 1);
  }));
  const std::string all = testing::PrintToString(o.assumptions);
  EXPECT_THAT(all, HasSubstr(std::string(GetParam()) == "native:tcmalloc"
                                 ? "gperftools 2"
                                 : std::string(GetParam()).substr(7) + " "));
  EXPECT_THAT(all, HasSubstr("one thread"));
  EXPECT_THAT(all, HasSubstr("1 collections"));
  EXPECT_THAT(all, HasSubstr("1,000 ns an event"));
}

INSTANTIATE_TEST_SUITE_P(Libraries, NativeReplayTest,
                         testing::Values("native:glibc", "native:jemalloc", "native:tcmalloc",
                                         "native:mimalloc"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(AvailableMemoryTest, IsReadFromTheKernelsText) {
  EXPECT_EQ(AvailableMemoryIn("MemTotal:  99 kB\nMemAvailable:    12 kB\nBuffers: 7 kB\n"), 12288u);
  EXPECT_EQ(AvailableMemoryIn(""), ~uint64_t{0});
  EXPECT_GT(AvailableMemory(), kMiB);
}

}  // namespace
}  // namespace heapsim::sim
