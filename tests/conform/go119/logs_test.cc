// The page level does what Go 1.19's did in every shipped log, and what is no log is refused with
// its line.

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/conform/conform.h"
#include "tests/conform/logs_for_tests.h"

namespace heapsim {
namespace {

using conform_tests::LogLines;
using conform_tests::LogPaths;
using conform_tests::WriteBytes;
using conform_tests::WriteLog;
using testing::HasSubstr;

constexpr char kFolder[] = "tests/conform/go119/testdata";
constexpr char kChurn[] = "tests/conform/go119/testdata/largechurn1.txt.zst";

TEST(Logs, EveryDeterminedFieldIsReproduced) {
  const std::vector<std::string> paths = LogPaths(kFolder);
  EXPECT_GE(paths.size(), 9u);
  for (const std::string& path : paths) {
    sim::ConformOptions options;
    options.self_check_every = 100;
    const auto report = sim::CheckLog(path, options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->mismatches, 0u) << path << " line " << report->line << ": expected "
                                      << report->expected << ", got " << report->got << "\n"
                                      << report->surroundings;
    EXPECT_EQ(report->version, "go1.19");
    EXPECT_GT(report->checked * 10, report->events * 9) << path;
  }
}

void ExpectBad(const std::string& path, size_t line) {
  const auto report = sim::CheckLog(path);
  ASSERT_FALSE(report.ok()) << "line " << line;
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr(absl::StrCat(path, ": line ", line, ": ")));
}

TEST(BadLog, CutAtALine) {
  const std::vector<std::string> lines = LogLines(kChurn);
  for (size_t n : {size_t{1}, size_t{2}, size_t{3}, lines.size() / 2, lines.size() - 1}) {
    ExpectBad(WriteLog("cut119", {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(n)}),
              n + 1);
  }
}

TEST(BadLog, ImpossibleMachines) {
  const std::vector<std::string> lines = LogLines(kChurn);
  const auto bad = [&](size_t line, const std::string& from, const std::string& to) {
    std::vector<std::string> changed = lines;
    std::string& text = changed[line - 1];
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
    ExpectBad(WriteLog("machine119", changed), line);
  };
  bad(1, "procs 1", "procs 0");
  bad(1, "linux/amd64", "linux/arm64");
  bad(2, "phys_page 4096", "phys_page 4097");
  bad(2, "huge_page 2097152", "huge_page 12345");
  bad(2, "levels 5", "levels 4");
  bad(2, "base c000000000", "base c000000001");
}

// Operations that nothing could have asked for, in place of a free.
TEST(BadLog, ImpossibleOperations) {
  std::vector<std::string> lines = LogLines(kChurn);
  size_t at = lines.size() / 2;
  while (lines[at][0] != 'F') ++at;
  for (const char* text :
       {"F 1 1 h = 0", "F 0 0 h = 0", "F 3ffffffffe000 1 h = 0", "F 0 1 x = 0",
        "A 0 0 h 1 = 0 0 0 fast 0", "A 7 1 h 1 = 0 0 0 fast 0", "A 0 1 z 1 = 0 0 0 fast 0",
        "A 0 99999999999 h 1 = 0 0 0 fast 0", "A 0 1 h 1", "N 1 0", "Q - = - 0 0 0", "o+ xyz",
        "k 41 1 = 1", "zz", "", "h 1 = ", "l", "k ffffffffffffffff 1 1 = 1 1 0 ok",
        "; 12 lines, complete"}) {
    std::vector<std::string> changed = lines;
    changed[at] = text;
    SCOPED_TRACE(text);
    ExpectBad(WriteLog("operation119", changed), at + 1);
  }
}

// Whatever one byte becomes, the answer is a word, and mostly a line.
TEST(BadLog, GarbledBytes) {
  std::mt19937 random(3);
  for (const std::string& path : LogPaths(kFolder)) {
    const std::string text = absl::StrJoin(LogLines(path), "\n");
    for (int i = 0; i < 40; ++i) {
      std::string garbled = text;
      garbled[random() % garbled.size()] = static_cast<char>(random() % 256);
      const auto report = sim::CheckLog(WriteBytes("garbled119", garbled));
      if (!report.ok()) {
        EXPECT_THAT(std::string(report.status().message()), HasSubstr("line "));
      }
    }
  }
}

}  // namespace
}  // namespace heapsim
