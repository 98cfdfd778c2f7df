#include "heap/virtual_array.h"

#include <cstdint>
#include <utility>

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

TEST(VirtualArrayTest, ReadsAsZeroUntilWritten) {
  VirtualArray<uint64_t> a(1000);
  for (size_t i = 0; i < a.capacity(); ++i) ASSERT_EQ(a[i], 0u);
  a[999] = 5;
  EXPECT_EQ(a[999], 5u);
  EXPECT_EQ(a[998], 0u);
}

// Entries never move, and only those written have memory: 1 TiB of them are no trouble.
TEST(VirtualArrayTest, LargeAndSparse) {
  constexpr size_t kCount = size_t{1} << 37;
  VirtualArray<uint64_t> a(kCount);
  uint64_t* const first = &a[0];
  a[0] = 1;
  a[kCount / 2] = 2;
  a[kCount - 1] = 3;
  EXPECT_EQ(&a[0], first);
  EXPECT_EQ(a[0] + a[kCount / 2] + a[kCount - 1], 6u);
}

TEST(VirtualArrayTest, Moves) {
  VirtualArray<uint32_t> a(10);
  a[3] = 7;
  const uint32_t* const data = a.data();
  const VirtualArray<uint32_t> b(std::move(a));
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b[3], 7u);
}

TEST(VirtualArrayTest, NoSuchAddressSpace) {
  EXPECT_THROW(VirtualArray<uint64_t>(size_t{1} << 58), std::bad_alloc);
}

}  // namespace
}  // namespace heapsim::heap
