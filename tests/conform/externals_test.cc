// What other threads did may stand inside an operation that is open. In the shipped logs it mostly
// stands between operations; moved into what follows, it changes nothing, since that takes the heap
// lock only later.

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "sim/conform/conform.h"
#include "tests/conform/logs_for_tests.h"

namespace heapsim {
namespace {

bool IsExternal(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (words[0] == "A") return words[2] != "g";
  if (words[0] == "F") return words[6] == "stack" || words[6] == "wbuf";
  return words[0] == "S";
}

bool OpensWithoutLock(const std::string& line) {
  return line.size() > 1 && line[1] == '{' && absl::StrContains("MRDHWZ", line.substr(0, 1));
}

// Moves external lines of `lines` into what follows them, requests as deep as `random` says; counts
// them.
std::vector<std::string> Moved(const std::vector<std::string>& lines, std::mt19937& random,
                               size_t* moved) {
  std::vector<std::string> out;
  for (size_t i = 0; i < lines.size();) {
    const std::string& line = lines[i++];
    if (!IsExternal(line) || i == lines.size() || lines[i][0] != 'M' || lines[i][1] == '}') {
      out.push_back(line);
      continue;
    }
    ++*moved;
    if (lines[i][1] == '{') {
      for (size_t depth = 1 + random() % 6; depth > 0 && OpensWithoutLock(lines[i]); --depth) {
        out.push_back(lines[i++]);
      }
      out.push_back(line);
    } else {
      // A request on one line becomes a block.
      const std::vector<std::string> parts = absl::StrSplit(lines[i++], " = ");
      out.push_back(absl::StrCat("M{", parts[0].substr(1)));
      out.push_back(line);
      out.push_back(absl::StrCat("M} ", parts[1]));
    }
  }
  out.back() = absl::StrCat("; ", out.size() - 1, out.back().substr(out.back().find(" lines,")));
  return out;
}

TEST(Externals, MayStandInsideRequests) {
  std::mt19937 random(5);
  size_t moved = 0;
  for (const std::string& path : conform_tests::LogPaths()) {
    const std::vector<std::string> lines = conform_tests::LogLines(path);
    if (!absl::StrContains(lines[0], " level 2 ")) continue;
    for (int round = 0; round < 3; ++round) {
      const auto report =
          sim::CheckLog(conform_tests::WriteLog("moved", Moved(lines, random, &moved)));
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(report->mismatches, 0u) << path << " line " << report->line << ": expected "
                                        << report->expected << ", got " << report->got;
    }
  }
  EXPECT_GT(moved, 300u);
}

// Before a record is added its span is swept. That is no line where there is nothing to sweep,
// unless somebody came in between.
TEST(Externals, MayStandInsideASweepThatIsNone) {
  std::vector<std::string> lines =
      conform_tests::LogLines(conform_tests::LogPath("finalizers_26k_l2"));
  size_t i = lines.size() - 1;
  while (!absl::StartsWith(lines[i], "P+ ") || !absl::StartsWith(lines[i - 1], "M ")) --i;
  const std::vector<std::string> words = absl::StrSplit(lines[i], ' ');
  // A scavenge that finds nothing old enough.
  lines.insert(lines.begin() + i, {"Q{ " + words[1], "S 0 0 18446744073709551600 = 0", "Q}"});
  lines.back() = absl::StrCat("; ", lines.size() - 1, " lines, truncated");
  const auto report = sim::CheckLog(conform_tests::WriteLog("record", lines));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->mismatches, 0u)
      << "line " << report->line << ": expected " << report->expected << ", got " << report->got;

  // And of another span: nobody asked for that one.
  lines[i] = "Q{ 0";
  const auto other = sim::CheckLog(conform_tests::WriteLog("record", lines));
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->line, i + 1);
}

}  // namespace
}  // namespace heapsim
