#include "heap/persistent_alloc.h"

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

class PersistentAllocTest : public testing::Test {
 protected:
  Address Allocate(uint64_t size, uint64_t align, SysStat stat) {
    return alloc_.Allocate(&os_, &stats_, Bytes(size), Bytes(align), stat);
  }
  FakeOs os_;
  MemStats stats_;
  PersistentAlloc alloc_;
};

TEST_F(PersistentAllocTest, CutsPiecesAndMovesTheirCharge) {
  EXPECT_EQ(Allocate(16384, 8, SysStat::kMSpan).v, 0x7f0000000000u);
  EXPECT_EQ(os_.TakeCalls(), "alloc 7f0000000000 40000 other");
  EXPECT_EQ(stats_.mspan_sys, 16384u);
  EXPECT_EQ(stats_.other_sys, (256u << 10) - 16384);
  EXPECT_EQ(Allocate(3, 1, SysStat::kGc).v, 0x7f0000004000u);
  EXPECT_EQ(Allocate(8, 0, SysStat::kOther).v, 0x7f0000004008u);  // 0: eight bytes
  EXPECT_EQ(Allocate(8, 4096, SysStat::kMCache).v, 0x7f0000005000u);
  EXPECT_EQ(stats_.gc_sys, 3u);
  EXPECT_EQ(stats_.mcache_sys, 8u);
  EXPECT_EQ(stats_.other_sys, (256u << 10) - 16384 - 3 - 8);
  EXPECT_EQ(os_.TakeCalls(), "");
}

TEST_F(PersistentAllocTest, WhatDoesNotFitTakesANewPiece) {
  for (int i = 0; i < 4; ++i) Allocate(60 << 10, 8, SysStat::kMSpan);
  os_.TakeCalls();
  EXPECT_EQ(Allocate(17 << 10, 8, SysStat::kMSpan).v, 0x7f0000040000u);
  EXPECT_EQ(os_.TakeCalls(), "alloc 7f0000040000 40000 other");
}

TEST_F(PersistentAllocTest, LargeRequestsGoToTheSystem) {
  EXPECT_EQ(Allocate(64 << 10, 8, SysStat::kBuckHash).v, 0x7f0000000000u);
  EXPECT_EQ(os_.TakeCalls(), "alloc 7f0000000000 10000 buckhash");
  EXPECT_EQ(stats_.buckhash_sys, 64u << 10);
  EXPECT_EQ(stats_.other_sys, 0u);
}

TEST_F(PersistentAllocTest, NoMemory) {
  os_.refuse_alloc = true;
  EXPECT_TRUE(Allocate(100, 8, SysStat::kGc).is_null());
  EXPECT_TRUE(Allocate(100 << 10, 8, SysStat::kGc).is_null());
  EXPECT_EQ(stats_.gc_sys, 0u);
  EXPECT_EQ(stats_.other_sys, 0u);
  os_.refuse_alloc = false;
  EXPECT_FALSE(Allocate(100, 8, SysStat::kGc).is_null());
}

}  // namespace
}  // namespace heapsim::heap
