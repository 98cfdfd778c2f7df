#include "traces/importers/lttng_ust.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/importers/import_test_util.h"

namespace heapsim::traces {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two processes; 9 has two threads.
constexpr absl::string_view kText =
    "[23:59:59.999999000] (+?.\?\?\?\?\?\?\?\?\?) vm lttng_ust_libc:malloc: { cpu_id = 0 }, "
    "{ vtid = 9, vpid = 9 }, { size = 5, ptr = 0x5645F6C26B30 }\n"
    "[23:59:59.999999500] (+0.000000500) vm lttng_ust_libc:calloc: { cpu_id = 1 }, "
    "{ vtid = 4, vpid = 4 }, { nmemb = 3, size = 7, ptr = 0x5645F6C26B30 }\n"
    "[23:59:59.999999900] (+0.000000400) vm lttng_ust_libc:posix_memalign: { cpu_id = 0 }, "
    "{ vtid = 10, vpid = 9, procname = \"a }, b\" }, "
    "{ out_ptr = 0x5645F6C30000, alignment = 64, size = 100, result = 0 }\n"
    "[00:00:00.000000100] (+0.000000200) vm lttng_ust_libc:realloc: { cpu_id = 0 }, "
    "{ vtid = 9, vpid = 9 }, { in_ptr = 0x5645F6C26B30, size = 50, ptr = 0x5645F6C26C00 }\n"
    "[00:00:00.000000300] (+0.000000200) vm lttng_ust_libc:free: { cpu_id = 0 }, "
    "{ vtid = 9, vpid = 9 }, { ptr = 0x0 }\n";

TEST(LttngUst, TakesTheBiggestProcess) {
  const Imported trace = ImportText(kText);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "lttng-ust");
  EXPECT_EQ(trace.facts.events, 4u);
  EXPECT_EQ(trace.facts.memalign, 1u);
  EXPECT_EQ(trace.facts.free_null, 1u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 150u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  // Over midnight.
  EXPECT_EQ(trace.facts.duration_ns, 1300u);
  EXPECT_THAT(trace.blocks.at(0).time_ns, ElementsAre(0, 900, 1100, 1300));
  EXPECT_THAT(trace.warnings, ElementsAre(HasSubstr("4 (1)")));
}

TEST(LttngUst, TakesTheProcessAskedFor) {
  const Imported trace = ImportText(kText, 4);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.events, 1u);
  EXPECT_EQ(trace.facts.total_requested_bytes, 21u);
  EXPECT_TRUE(trace.warnings.empty());
  EXPECT_EQ(ImportText(kText, 5).status.code(), absl::StatusCode::kNotFound);
}

TEST(LttngUst, LostEventsMakeItIncomplete) {
  const Imported trace =
      ImportText(std::string(kText) + "[warning] Tracer discarded 12 events between a and b.\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_FALSE(trace.facts.complete);
}

TEST(LttngUst, OtherFormsOfTime) {
  const std::string date =
      absl::StrReplaceAll(kText, {{"[23:", "[2020-01-31 23:"}, {"[00:", "[2020-02-01 00:"}});
  EXPECT_EQ(ImportText(date).facts.duration_ns, 1300u);
  const std::string cycles =
      absl::StrReplaceAll(kText, {{"[23:59:59.", "[1"}, {"[00:00:00.", "[2"}});
  EXPECT_EQ(ImportText(cycles).facts.duration_ns, 1300u);
}

}  // namespace
}  // namespace heapsim::traces
