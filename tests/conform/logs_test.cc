// The heap does what the real runtime did, in every shipped log.

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "sim/conform/conform.h"
#include "tests/conform/logs_for_tests.h"

namespace heapsim {
namespace {

using conform_tests::LogPaths;

TEST(Logs, EveryDeterminedFieldIsReproduced) {
  const std::vector<std::string> paths = LogPaths();
  EXPECT_GE(paths.size(), 10u);
  for (const std::string& path : paths) {
    const auto report = sim::CheckLog(path);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->mismatches, 0u) << path << " line " << report->line << ": expected "
                                      << report->expected << ", got " << report->got << "\n"
                                      << report->surroundings;
    EXPECT_EQ(report->version, "go1.10");
    EXPECT_GT(report->checked * 10, report->events * 8) << path;
  }
}

TEST(Logs, TheHeapStaysConsistent) {
  sim::ConformOptions options;
  options.self_check_every = 50;
  for (const std::string& path : LogPaths()) {
    const auto report = sim::CheckLog(path, options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->mismatches, 0u) << path;
  }
}

}  // namespace
}  // namespace heapsim
