#include "heap/bit_space.h"

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

TEST(BitSpaceTest, WordZeroIsNobodys) {
  BitSpace b(1000);
  EXPECT_EQ(b.Allocate(1, 7), 1u);
  EXPECT_EQ(b.Allocate(16, 8), 2u);
  EXPECT_EQ(b.Allocate(1, 9), 18u);
  EXPECT_EQ(b.size(), 19u);
  EXPECT_EQ(b.OwnerOf(64), 7u);
  EXPECT_EQ(b.OwnerOf(2 * 64), 8u);
  EXPECT_EQ(b.OwnerOf(17 * 64 + 63), 8u);
  EXPECT_EQ(b.OwnerOf(18 * 64), 9u);
}

TEST(BitSpaceTest, WordsKnowTheirPlaceInASpan) {
  BitSpace b(1000);
  const SpanId id = (SpanId{1} << 28) - 1;
  const uint32_t first = b.Allocate(16, id);
  for (uint32_t i = 0; i < 16; ++i) {
    EXPECT_EQ(b.word(first + i).index(), i);
    EXPECT_EQ(b.word(first + i).owner(), id);
    EXPECT_EQ(b.word(first + i).state.v, 0u);
  }
  EXPECT_THROW(b.Allocate(1, id + 1), FatalError);
}

TEST(BitSpaceTest, RunsAreReusedByLengthAndCleared) {
  BitSpace b(1000);
  const uint32_t one = b.Allocate(1, 1), two = b.Allocate(2, 2), other = b.Allocate(1, 3);
  b.bits(one) = ~uint64_t{0};
  b.bits(two + 1) = 5;
  b.Free(one, 1);
  b.Free(other, 1);
  b.Free(two, 2);
  EXPECT_EQ(b.Allocate(2, 4), two);
  EXPECT_EQ(b.bits(two + 1), 0u);
  EXPECT_EQ(b.OwnerOf((two + 1) * 64), 4u);
  EXPECT_EQ(b.Allocate(1, 5), other);  // last in, first out
  EXPECT_EQ(b.Allocate(1, 6), one);
  EXPECT_EQ(b.bits(one), 0u);
  EXPECT_EQ(b.Allocate(3, 7), 5u);
}

}  // namespace
}  // namespace heapsim::heap
