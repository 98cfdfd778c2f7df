#include "heap/fixalloc.h"

#include <set>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

TEST(FixAllocTest, DescriptorsPerChunk) {
  FakeOs os;
  FixAlloc a(Bytes(152), SysStat::kMSpan, &os);
  EXPECT_TRUE(os.calls.empty());
  bool fresh;
  for (uint32_t i = 1; i <= 107; ++i) {
    EXPECT_EQ(a.Alloc(&fresh), i);
    EXPECT_TRUE(fresh);
  }
  EXPECT_EQ(os.TakeCalls(), "persistent 7f0000000000 4000 mspan");
  EXPECT_EQ(a.AddressOf(1), Address(0x7f0000000000));
  EXPECT_EQ(a.AddressOf(107), Address(0x7f0000000000 + 106 * 152));
  EXPECT_EQ(a.Alloc(&fresh), 108u);  // 120 bytes were left
  EXPECT_EQ(os.TakeCalls(), "persistent 7f0000004000 4000 mspan");
  EXPECT_EQ(a.AddressOf(108), Address(0x7f0000004000));
  EXPECT_EQ(a.inuse(), Bytes(108 * 152));
}

TEST(FixAllocTest, LastInFirstOut) {
  FakeOs os;
  FixAlloc a(Bytes(48), SysStat::kOther, &os);
  bool fresh;
  for (int i = 0; i < 4; ++i) a.Alloc(&fresh);
  a.Free(2);
  a.Free(4);
  EXPECT_EQ(a.inuse(), Bytes(96));
  EXPECT_EQ(a.Alloc(&fresh), 4u);
  EXPECT_FALSE(fresh);
  EXPECT_EQ(a.Alloc(&fresh), 2u);
  EXPECT_EQ(a.Alloc(&fresh), 5u);
  EXPECT_TRUE(fresh);
  EXPECT_EQ(a.made(), 5u);
}

// A fresh record's memory is written, a used one's was.
TEST(FixAllocTest, TouchesFreshRecords) {
  FakeOs os;
  os.keep_touches = true;
  FixAlloc a(Bytes(24), SysStat::kOther, &os);
  bool fresh;
  a.Free(a.Alloc(&fresh));
  a.Alloc(&fresh);
  ASSERT_EQ(os.touches.size(), 1u);
  EXPECT_EQ(os.touches[0], std::make_pair(uint64_t{0x7f0000000000}, uint64_t{24}));
}

TEST(FixAllocTest, RecordsOfAWholeChunk) {
  FakeOs os;
  FixAlloc a(kFixAllocChunk, SysStat::kOther, &os);
  bool fresh;
  std::set<uint64_t> seen;
  for (int i = 0; i < 3; ++i) seen.insert(a.AddressOf(a.Alloc(&fresh)).v);
  EXPECT_EQ(seen.size(), 3u);
}

}  // namespace
}  // namespace heapsim::heap
