#include "sim/tool/cell_progress.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(CellProgress, Text) {
  EXPECT_EQ(CellProgressText(0, 0, 4, 1), "[                              ] 0 of 4 cells");
  // Two took 10 s, so the other two will.
  EXPECT_EQ(CellProgressText(2, 0, 4, 10),
            "[===============               ] 2 of 4 cells, 10 s left");
  // Those that were there already say nothing about time.
  EXPECT_EQ(CellProgressText(2, 2, 4, 10), "[===============               ] 2 of 4 cells");
  EXPECT_EQ(CellProgressText(3, 2, 4, 10),
            "[======================        ] 3 of 4 cells, 10 s left");
  EXPECT_EQ(CellProgressText(4, 0, 4, 10),
            "[==============================] 4 of 4 cells, 0 s left");
}

}  // namespace
}  // namespace heapsim::sim
