#include "sim/tool/slurm.h"

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(Slurm, Ranges) {
  EXPECT_EQ(TaskRanges({}), "");
  EXPECT_EQ(TaskRanges({3}), "3");
  EXPECT_EQ(TaskRanges({0, 1, 2, 3, 4, 7, 9, 10}), "0-4,7,9-10");
}

TEST(Slurm, Queue) {
  const auto tasks = ParseQueue(
      "heapsim-ab-0|12|0|RUNNING|None\n"
      "heapsim-ab-0|12|31|PENDING|Resources\n"
      "heapsim-ab-1|13|4|PENDING|launch failed requeued held\n"
      "heapsim-ab-1|13|N/A|PENDING|None\n"
      "slurm_load_jobs: whatever\n");
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].id, "12_0");
  EXPECT_TRUE(tasks[0].running);
  EXPECT_FALSE(tasks[0].held);
  EXPECT_EQ(tasks[1].task, 31u);
  EXPECT_FALSE(tasks[1].running);
  EXPECT_EQ(tasks[2].job_name, "heapsim-ab-1");
  EXPECT_TRUE(tasks[2].held);
}

}  // namespace
}  // namespace heapsim::sim
