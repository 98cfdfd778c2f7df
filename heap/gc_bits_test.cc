#include "heap/gc_bits.h"

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kWordsPerArena = 8190;  // 64 KiB less a header of 16 bytes

TEST(GcBitsTest, EightByteSteps) {
  FakeOs os;
  MemStats stats;
  GcBitsArenas bits(&os, &stats);
  const Address first = bits.NewMarkBits(1);
  EXPECT_EQ(first.v, 0x7f0000000010u);
  EXPECT_EQ(bits.NewMarkBits(64).v, first.v + 8);
  EXPECT_EQ(bits.NewMarkBits(65).v, first.v + 16);
  EXPECT_EQ(bits.NewMarkBits(1024).v, first.v + 32);
  EXPECT_EQ(bits.NewMarkBits(1).v, first.v + 160);
  EXPECT_EQ(os.TakeCalls(), "alloc 7f0000000000 10000 gc");
  EXPECT_EQ(stats.gc_sys, 65536u);
}

TEST(GcBitsTest, AFullArenaIsFollowedByAnother) {
  FakeOs os;
  MemStats stats;
  GcBitsArenas bits(&os, &stats);
  for (uint32_t i = 0; i < kWordsPerArena - 1; ++i) bits.NewMarkBits(64);
  EXPECT_EQ(bits.arenas(), 1u);
  // Two words do not fit any more, and what is left is lost.
  EXPECT_EQ(bits.NewMarkBits(65).v, 0x7f0000010010u);
  EXPECT_EQ(bits.NewMarkBits(64).v, 0x7f0000010020u);
  EXPECT_EQ(bits.arenas(), 2u);
}

// Bits live through the cycle they were taken for and the next; the arenas are then reused, the one
// linked last first, and cleared before.
TEST(GcBitsTest, Epochs) {
  FakeOs os;
  MemStats stats;
  GcBitsArenas bits(&os, &stats);
  const auto fill = [&] {
    for (uint32_t i = 0; i < kWordsPerArena; ++i) bits.NewMarkBits(1);
    return bits.NewMarkBits(1).v & ~uint64_t{0xffff};
  };
  EXPECT_EQ(fill(), 0x7f0000010000u);  // arenas 0, 1
  bits.NextEpoch();
  EXPECT_EQ(fill(), 0x7f0000030000u);  // 2, 3
  bits.NextEpoch();
  EXPECT_EQ(fill(), 0x7f0000050000u);  // 4, 5
  bits.NextEpoch();                    // 0 and 1 are free
  EXPECT_EQ(bits.arenas(), 6u);
  os.TakeCalls();
  os.keep_touches = true;
  EXPECT_EQ(bits.NewMarkBits(1).v, 0x7f0000010010u);
  ASSERT_EQ(os.touches.size(), 2u);
  EXPECT_EQ(os.touches[0], std::make_pair(uint64_t{0x7f0000010000}, uint64_t{65536}));
  EXPECT_EQ(os.touches[1], std::make_pair(uint64_t{0x7f0000010010}, uint64_t{8}));
  for (uint32_t i = 1; i < kWordsPerArena; ++i) bits.NewMarkBits(1);
  EXPECT_EQ(bits.NewMarkBits(1).v, 0x7f0000000010u);
  EXPECT_EQ(os.TakeCalls(), "");
  EXPECT_EQ(stats.gc_sys, 6u * 65536);
  bits.NextEpoch();  // 3 and 2 are free
  EXPECT_EQ(bits.NewMarkBits(1).v, 0x7f0000030010u);
  bits.NextEpoch();  // 5 and 4 go in front of 2
  EXPECT_EQ(bits.NewMarkBits(1).v, 0x7f0000050010u);
}

}  // namespace
}  // namespace heapsim::heap
