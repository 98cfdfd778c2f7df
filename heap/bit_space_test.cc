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

TEST(BitSpaceTest, RunsAreReusedByLengthAndCleared) {
  BitSpace b(1000);
  const uint32_t one = b.Allocate(1, 1), two = b.Allocate(2, 2), other = b.Allocate(1, 3);
  b.words(one)[0] = ~uint64_t{0};
  b.words(two)[1] = 5;
  b.Free(one, 1);
  b.Free(other, 1);
  b.Free(two, 2);
  EXPECT_EQ(b.Allocate(2, 4), two);
  EXPECT_EQ(b.words(two)[1], 0u);
  EXPECT_EQ(b.OwnerOf((two + 1) * 64), 4u);
  EXPECT_EQ(b.Allocate(1, 5), other);  // last in, first out
  EXPECT_EQ(b.Allocate(1, 6), one);
  EXPECT_EQ(b.words(one)[0], 0u);
  EXPECT_EQ(b.Allocate(3, 7), 5u);
}

}  // namespace
}  // namespace heapsim::heap
