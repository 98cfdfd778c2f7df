#include "heap/units.h"

#include <type_traits>

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

TEST(UnitsTest, PagesAreEightKib) {
  EXPECT_EQ(Pages(3).bytes(), Bytes(24576));
  EXPECT_EQ(Pages(uint64_t{1} << 40).bytes(), Bytes(uint64_t{1} << 53));
}

TEST(UnitsTest, AddressesAndLengths) {
  const Address a(0x1000);
  EXPECT_EQ((a + Bytes(0x20)).v, 0x1020u);
  EXPECT_EQ(a + Bytes(0x20) - a, Bytes(0x20));
  EXPECT_EQ((a - Bytes(0x20)).v, 0xfe0u);
  EXPECT_TRUE(Address().is_null());
  EXPECT_FALSE(a.is_null());
  EXPECT_LT(a, a + Bytes(1));
}

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};

TEST(UnitsTest, QuantitiesDoNotMix) {
  static_assert(!Addable<Bytes, Pages>);
  static_assert(!Addable<Address, Pages>);
  static_assert(!Addable<Address, Address>);
  static_assert(!Addable<Bytes, int>);
  static_assert(!std::is_convertible_v<uint64_t, Bytes>);
  static_assert(!std::is_convertible_v<Bytes, uint64_t>);
}

TEST(UnitsTest, Rounding) {
  EXPECT_EQ(RoundUp(0, 8192), 0u);
  EXPECT_EQ(RoundUp(1, 8192), 8192u);
  EXPECT_EQ(RoundUp(8192, 8192), 8192u);
  EXPECT_EQ(RoundDown(8191, 8192), 0u);
  EXPECT_EQ(RoundDown(16383, 8192), 8192u);
}

}  // namespace
}  // namespace heapsim::heap
