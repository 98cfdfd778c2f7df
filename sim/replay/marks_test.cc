#include "sim/replay/marks.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(Marks, KeepsEverySecondWhereThereAreTooMany) {
  Marks marks(4);
  for (uint64_t i = 0; i < 9; ++i) marks.Add(proto::MARK_KIND_GC, i, 10 * i, 0, 0);
  marks.Add(proto::MARK_KIND_RELEASE, 3, 31, 0, 77);
  proto::Detail detail;
  marks.Finish(&detail);
  ASSERT_EQ(detail.marks_size(), 4);
  EXPECT_EQ(detail.marks(0).event(), 0u);
  EXPECT_EQ(detail.marks(1).kind(), proto::MARK_KIND_RELEASE);
  EXPECT_EQ(detail.marks(2).event(), 4u);
  EXPECT_EQ(detail.marks(3).event(), 8u);
  EXPECT_EQ(detail.dropped_marks(), 6u);
}

}  // namespace
}  // namespace heapsim::sim
