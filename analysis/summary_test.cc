#include "analysis/summary.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Summary, GroupsDigits) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
}

TEST(Summary, ScalesBytes) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(3.0 * (1 << 30)), "3.0 GiB");
}

TEST(Summary, ShowsTheRecordedPeakBesideTheSimulatedOne) {
  proto::Result result;
  result.mutable_memory()->set_peak_rss_bytes(2 << 20);
  EXPECT_THAT(Summary(result), Not(HasSubstr("when recorded")));
  result.mutable_memory()->set_recorded_peak_rss_bytes(5 << 20);
  EXPECT_THAT(Summary(result), HasSubstr("2.0 MiB"));
  EXPECT_THAT(Summary(result), HasSubstr("5.0 MiB"));
}

TEST(Summary, SaysWhatWasAssumedAndNoticed) {
  proto::Result result;
  result.set_complete(true);
  result.mutable_trace()->set_complete(true);
  EXPECT_THAT(Summary(result), Not(HasSubstr("Assumed")));
  result.add_assumptions("time: 1,000 ns an event");
  result.mutable_trace()->set_free_unknown(3);
  EXPECT_THAT(Summary(result), HasSubstr("time: 1,000 ns an event"));
  EXPECT_THAT(Summary(result), HasSubstr("3 frees of unknown"));
}

TEST(Summary, AnUnfinishedRunSaysSo) {
  proto::Result result;
  result.set_stopped("out of memory at event 7");
  EXPECT_THAT(Summary(result), HasSubstr("INCOMPLETE"));
  EXPECT_THAT(Summary(result), HasSubstr("out of memory at event 7"));
}

}  // namespace
}  // namespace heapsim::analysis
