// What other threads did may stand inside an operation that is open. In the shipped logs it mostly
// stands between operations; moved into the request behind it, it changes nothing, since the
// request takes the heap lock only later.

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

// Moves external lines of `lines` behind the opening of the request that follows them, as deep as
// `random` says; counts them.
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
      for (size_t depth = 1 + random() % 6; depth > 0 && OpensWithoutLock(lines[i]); --depth)
        out.push_back(lines[i++]);
      out.push_back(line);
      continue;
    }
    // A request on one line becomes a block.
    const std::vector<std::string> parts = absl::StrSplit(lines[i++], " = ");
    out.push_back(absl::StrCat("M{", parts[0].substr(1)));
    out.push_back(line);
    out.push_back(absl::StrCat("M} ", parts[1]));
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

}  // namespace
}  // namespace heapsim
