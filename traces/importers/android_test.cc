#include "traces/importers/android.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/importers/import_test_util.h"

namespace heapsim::traces {
namespace {

constexpr absl::string_view kOld =
    "20: malloc 0xb4827400 1024\n"
    "20: calloc 0xb4830000 3 100\n"
    "21: memalign 0xb4840000 4096 50\n"
    "21: realloc 0xb4850000 0xb4827400 2000\n"
    "20: free 0x0\n"
    "20: free 0xb4830000\n"
    "20: thread_done 0x0\n"
    "20: realloc 0xb4860000 0x0 7\n"
    "20: free 0x1234\n"
    "21: realloc 0x0 0xb4860000 0\n";

TEST(Android, OldLines) {
  const Imported trace = ImportText(kOld);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  const TraceFacts& facts = trace.facts;
  EXPECT_EQ(facts.format, "android");
  EXPECT_TRUE(facts.complete);
  EXPECT_EQ(facts.events, 9u);
  EXPECT_EQ(facts.malloc, 1u);
  EXPECT_EQ(facts.calloc, 1u);
  EXPECT_EQ(facts.memalign, 1u);
  EXPECT_EQ(facts.realloc, 3u);
  EXPECT_EQ(facts.free, 2u);
  EXPECT_EQ(facts.free_null, 1u);
  EXPECT_EQ(facts.free_unknown, 1u);
  EXPECT_EQ(facts.distinct_threads, 2u);
  EXPECT_EQ(facts.duration_ns, std::nullopt);
  EXPECT_EQ(facts.peak_live_bytes, 2000u + 300 + 50);
  EXPECT_EQ(facts.peak_at_event, 4u);
  EXPECT_EQ(facts.live_at_end_bytes, 2050u);
  EXPECT_THAT(trace.blocks.at(0).thread, testing::ElementsAre(0, 0, 1, 1, 0, 0, 2, 2, 1));
  EXPECT_THAT(trace.warnings, testing::IsEmpty());
}

TEST(Android, StampedLines) {
  const Imported trace = ImportText(
      "20: malloc 0xb400007a12345670 16 1000 1100\n"
      "20: free 0xb400007a12345670 2500 2600\n"
      "20: thread_done 0x0 9000\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.duration_ns, 1500u);
  EXPECT_EQ(trace.facts.free_unknown, 0u);
  EXPECT_THAT(trace.blocks.at(0).time_ns, testing::ElementsAre(0, 1500));
}

TEST(Android, BadLinesAreCounted) {
  const Imported trace = ImportText(
      "20: malloc 0x10 16\n"
      "20: malloc 0x20\n"
      "20: malloc 0x20 16 77\n"
      "20: mallox 0x20 16\n"
      "20: free 0x10\n"
      "20: malloc 0x30 1");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.events, 2u);
  EXPECT_FALSE(trace.facts.complete);
  EXPECT_THAT(trace.warnings,
              testing::UnorderedElementsAre(
                  "the last line has no end and was left out",
                  "3 bad lines were left out, the first: line 2: not a call of memory_replay"));
}

}  // namespace
}  // namespace heapsim::traces
