#include "sim/replay/marks.h"

#include <algorithm>

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

TEST(Marks, PartsOfASumAreJoined) {
  for (const uint32_t limit : {1u, 2u, 5u, 64u, 1000u}) {
    Marks marks(limit);
    for (uint64_t i = 0; i < 777; ++i) {
      marks.AddPart(proto::MARK_KIND_SCAVENGE, i, 10 * i, i % 3, 1 + i);
    }
    proto::Detail detail;
    marks.Finish(&detail);
    EXPECT_EQ(detail.dropped_marks(), 0u);
    ASSERT_LE(detail.marks_size(), static_cast<int>(limit));
    EXPECT_GE(detail.marks_size(), static_cast<int>(std::min(limit, 777u) / 2));
    uint64_t sum = 0, end = 0;
    for (const proto::Mark& m : detail.marks()) {
      EXPECT_GE(m.time_ns(), end);  // none reaches into the next
      end = m.time_ns() + m.duration_ns();
      sum += m.value();
    }
    EXPECT_EQ(sum, 777u * 778 / 2);
    EXPECT_EQ(end, 7760u + 776 % 3);
  }
}

}  // namespace
}  // namespace heapsim::sim
