#include "sim/conform/fields.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(Fields, ReadsEachKind) {
  Fields f("A 17 ff -3 1 word - = max", 1, 9);
  EXPECT_EQ(f.Dec(), 17u);
  EXPECT_EQ(f.Hex(), 0xffu);
  EXPECT_EQ(f.Signed(), -3);
  EXPECT_TRUE(f.Bit());
  EXPECT_FALSE(f.Take("wor"));
  EXPECT_EQ(f.Word(), "word");
  EXPECT_TRUE(f.Take("-"));
  EXPECT_TRUE(f.Take("="));
  EXPECT_TRUE(f.Take("max"));
  EXPECT_TRUE(f.at_end());
  f.End();
}

TEST(Fields, Limits) {
  EXPECT_EQ(Fields(" 18446744073709551609", 0, 1).Dec(), UINT64_MAX - 6);
  EXPECT_EQ(Fields(" ffffffffffffffff", 0, 1).Hex(), UINT64_MAX);
  EXPECT_EQ(Fields(" 9223372036854775807", 0, 1).Signed(), INT64_MAX);
  EXPECT_THROW(Fields(" 99999999999999999999", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields(" 10000000000000000", 0, 1).Hex(), BadLog);
  EXPECT_THROW(Fields(" 9223372036854775808", 0, 1).Signed(), BadLog);
}

TEST(Fields, WhatTheFormatDoesNotWriteIsNotAccepted) {
  EXPECT_THROW(Fields("17", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields("", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields("  17", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields(" x", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields(" +1", 0, 1).Dec(), BadLog);
  EXPECT_THROW(Fields(" -", 0, 1).Signed(), BadLog);
  EXPECT_THROW(Fields(" FF", 0, 1).Hex(), BadLog);
  EXPECT_THROW(Fields(" 2", 0, 1).Bit(), BadLog);
  EXPECT_THROW(Fields("  ", 0, 1).Word(), BadLog);
  Fields half(" 17a 5", 0, 1);
  EXPECT_EQ(half.Dec(), 17u);
  EXPECT_THROW(half.Dec(), BadLog);
  Fields more(" 17 ", 0, 1);
  more.Dec();
  EXPECT_THROW(more.End(), BadLog);
}

}  // namespace
}  // namespace heapsim::sim
