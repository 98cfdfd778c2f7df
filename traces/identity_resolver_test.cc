#include "traces/identity_resolver.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace heapsim::traces {
namespace {

class IdentityResolverTest : public testing::Test {
 protected:
  // The facts and the only block.
  TraceFacts Finish() {
    blocks_.Flush();
    return blocks_.Facts();
  }

  EventBlock block_;
  BlockBuilder blocks_{[this](const EventBlock& block) {
    block_ = block;
    return absl::OkStatus();
  }};
  IdentityResolver calls_{&blocks_};
};

TEST_F(IdentityResolverTest, PlainEventsNeedNoException) {
  calls_.Malloc(0x10, 100);
  calls_.Malloc(0x20, 0);
  calls_.Free(0x10);
  const TraceFacts facts = Finish();
  EXPECT_EQ(block_.count, 3u);
  EXPECT_EQ(block_.is_free, std::vector<uint64_t>{4});
  EXPECT_EQ(block_.alloc_size, (std::vector<uint32_t>{100, 0}));
  EXPECT_EQ(block_.free_object, std::vector<uint32_t>{0});
  EXPECT_TRUE(block_.exceptions.empty());
  EXPECT_EQ(facts.malloc, 2u);
  EXPECT_EQ(facts.peak_live_bytes, 100u);
  EXPECT_EQ(facts.peak_at_event, 1u);
  EXPECT_EQ(facts.peak_live_blocks, 2u);
  EXPECT_EQ(facts.live_at_end_blocks, 1u);
  EXPECT_EQ(facts.distinct_threads, std::nullopt);
  EXPECT_EQ(facts.duration_ns, std::nullopt);
}

TEST_F(IdentityResolverTest, ReallocIsOneStep) {
  calls_.Malloc(0x10, 100);
  calls_.Realloc(0x30, 0x10, 150);  // 250 bytes never lived
  calls_.Realloc(0x40, 0, 1);
  calls_.Realloc(0x50, 0x99, 2);  // unknown: an allocation
  calls_.Realloc(0x30, 0x30, 0);  // lives on with 0 bytes
  calls_.Realloc(0, 0x30, 0);     // freed
  const TraceFacts facts = Finish();
  EXPECT_EQ(facts.realloc, 5u);
  EXPECT_EQ(facts.free_unknown, 0u);
  EXPECT_EQ(facts.peak_live_bytes, 153u);
  EXPECT_EQ(facts.total_requested_bytes, 100u + 150 + 1 + 2);
  EXPECT_EQ(facts.live_at_end_bytes, 3u);
  EXPECT_EQ(facts.live_at_end_blocks, 2u);
  ASSERT_EQ(block_.exceptions.size(), 5u);
  EXPECT_EQ(block_.exceptions[0].size, 150u);
  EXPECT_EQ(block_.exceptions[3].kind, EventKind::kRealloc);
  EXPECT_EQ(block_.exceptions[4].kind, EventKind::kReallocFree);
  EXPECT_EQ(block_.free_object, (std::vector<uint32_t>{0, 0, 0}));
}

TEST_F(IdentityResolverTest, LiveAddressIsDroppedFirst) {
  calls_.Malloc(0x10, 100);
  calls_.Malloc(0x10, 40);
  calls_.Malloc(0x20, 5);
  calls_.Realloc(0x10, 0x20, 7);  // onto the block of 40
  const TraceFacts facts = Finish();
  EXPECT_EQ(facts.alloc_of_live_address, 2u);
  EXPECT_EQ(facts.peak_live_bytes, 100u);
  EXPECT_EQ(facts.live_at_end_bytes, 7u);
  EXPECT_EQ(facts.live_at_end_blocks, 1u);
  ASSERT_EQ(block_.exceptions.size(), 2u);
  EXPECT_EQ(block_.exceptions[0].dropped_object, 0u);
  EXPECT_EQ(block_.exceptions[1].dropped_object, 1u);
}

TEST_F(IdentityResolverTest, WhatDoesNothingIsCounted) {
  calls_.Free(0);
  calls_.Free(0x77);
  calls_.Malloc(0, 10);
  calls_.Memalign(0, 64, 20);
  calls_.Malloc(0x10, 5);
  calls_.Realloc(0, 0x10, 1000);
  const TraceFacts facts = Finish();
  EXPECT_EQ(facts.events, 6u);
  EXPECT_EQ(facts.free_null, 1u);
  EXPECT_EQ(facts.free, 1u);
  EXPECT_EQ(facts.free_unknown, 1u);
  EXPECT_EQ(facts.malloc, 2u);
  EXPECT_EQ(facts.memalign, 1u);
  EXPECT_EQ(facts.total_requested_bytes, 5u);
  EXPECT_EQ(facts.max_request, 5u);
  EXPECT_EQ(facts.live_at_end_bytes, 5u);
  EXPECT_EQ(block_.free_object, std::vector<uint32_t>(5, kNoObject));
}

TEST_F(IdentityResolverTest, SumsDoNotOverflow) {
  calls_.Malloc(0x10, ~uint64_t{0});
  calls_.Malloc(0x20, ~uint64_t{0});
  calls_.Free(0x10);
  const TraceFacts facts = Finish();
  EXPECT_EQ(facts.total_requested_bytes, ~uint64_t{0});
  EXPECT_EQ(facts.peak_at_event, 2u);
  EXPECT_EQ(facts.live_at_end_bytes, ~uint64_t{0});
  EXPECT_EQ(block_.alloc_size, (std::vector<uint32_t>{kWideSize, kWideSize}));
}

TEST_F(IdentityResolverTest, ThreadsAndTime) {
  blocks_.SetTime(500);
  blocks_.SetThread(42);
  calls_.Malloc(0x10, 1);
  blocks_.SetThread(43);
  blocks_.SetTime(900);
  calls_.Malloc(0x20, 1);
  blocks_.EndThread(42);
  blocks_.SetThread(42);  // the number came back: another thread
  blocks_.SetTime(800);
  calls_.Malloc(0x30, 1);
  const TraceFacts facts = Finish();
  EXPECT_EQ(block_.thread, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(block_.time_ns, (std::vector<uint64_t>{0, 400, 300}));
  EXPECT_EQ(facts.distinct_threads, 2u);
  EXPECT_EQ(facts.duration_ns, 400u);
}

}  // namespace
}  // namespace heapsim::traces
