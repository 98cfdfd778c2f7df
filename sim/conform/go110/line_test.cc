#include "sim/conform/go110/line.h"

#include "gtest/gtest.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {
namespace {

TEST(Line, TypesByTheirFirstWord) {
  EXPECT_EQ(TypeOf("M 8 1 1 = c000").kind, Kind::kMalloc);
  EXPECT_EQ(TypeOf("M{ 8 1 1").form, Form::kOpen);
  EXPECT_EQ(TypeOf("M} c000").form, Form::kClose);
  EXPECT_EQ(TypeOf("Y}").kind, Kind::kFlush);
  EXPECT_EQ(TypeOf("P! c000 1").kind, Kind::kSpecialTaken);
  EXPECT_EQ(TypeOf("E").kind, Kind::kDumpEnd);
  EXPECT_EQ(TypeOf("I2 a 1").kind, Kind::kInfo2);
  EXPECT_EQ(TypeOf("o+ 10 x").kind, Kind::kSystemTaken);
  EXPECT_EQ(TypeOf("gR 0").kind, Kind::kPacing);
  for (const char* text : {"", "q 1", "n{ 1", "M{1", "Mx 1", "gX 1", "P 1", "o 1", "g 1", " M"}) {
    EXPECT_EQ(TypeOf(text).kind, Kind::kUnknown) << text;
  }
}

TEST(Line, ValidLinesAreValid) {
  for (const char* text :
       {"A 1 g 42 0 = 0 128 0 1 bb000", "A{ 1 g 42 0", "A} 0 128 0 1 bb000",
        "F 2000 127 manual 0 0 trim 0 bb098 = 3775262 2000 127 0 0", "S -1 max 0 = 0",
        "R 6 - = a000 grow 0 0 16384", "H 1", "W reclaim = -1", "Y{", "Y}", "Q}",
        "gS 1 0 1 4194304 -1 -1", "Z 2d8000 2 77 6 0 7 1 1 01 = 0 1 0"}) {
    EXPECT_NO_THROW(Validate(text, 1)) << text;
  }
}

TEST(Line, GarbledLinesAreNot) {
  for (const char* text :
       {"A 1 g 42 0", "A{ 1 g 42 0 = 0", "A 1 g 42 = 0 128 0 1 bb000", "M 8 1 1 = c000 5", "n",
        "n x", "H 1 = 2", "Y} 1", "n bb000 ", "C 1 2 3", "x  5", "M 8 2 1 = c000"}) {
    try {
      Validate(text, 7);
      ADD_FAILURE() << text;
    } catch (const BadLog& bad) {
      EXPECT_EQ(bad.line, 7u);
    }
  }
}

}  // namespace
}  // namespace heapsim::sim::go110
