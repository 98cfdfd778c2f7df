// One determined field of a log is changed a time, or one determined line is taken out or doubled;
// the check must say so at that line. Every kind of line of the format is tried, in every log.

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "sim/conform/conform.h"
#include "tests/conform/logs_for_tests.h"

namespace heapsim {
namespace {

using conform_tests::LogLines;
using conform_tests::LogPaths;
using conform_tests::WriteLog;

constexpr char kFolder[] = "tests/conform/go119/testdata";

enum Type { kDec, kHex, kBit, kWord };

struct Field {
  size_t word;  // from 0, the letter
  Type type;
  bool locked = true;  // determined with several processors too
};

const std::map<std::string, std::vector<Field>>& Table() {
  static const auto* const table = new std::map<std::string, std::vector<Field>>{
      {"A", {{6, kHex}, {7, kDec}, {8, kBit, false}, {9, kWord}, {10, kHex}}},
      {"A}", {{2, kHex}, {3, kDec}, {4, kBit, false}, {5, kWord}}},
      {"R", {{3, kHex}, {4, kHex}, {5, kHex}, {6, kHex}, {7, kWord}}},
      {"P", {{2, kDec}, {4, kHex}, {5, kDec}, {6, kHex}, {7, kWord}}},
      {"G{", {{2, kDec}, {3, kHex}}},
      {"G}", {{2, kHex}, {3, kHex}, {4, kHex}}},
      {"r", {{3, kHex}}},
      {"m", {{2, kWord}, {3, kHex}, {4, kHex}}},
      {"W", {{2, kHex}, {3, kHex}, {5, kHex}}},
      {"d", {{3, kDec}, {4, kDec, false}, {5, kDec, false}, {6, kHex}, {7, kDec}}},
      {"S{", {{2, kDec}}},
      {"S}", {{2, kDec}}},
      {"i", {{3, kHex}, {4, kDec}, {5, kHex}, {6, kBit}}},
      {"s", {{3, kHex}, {4, kDec}}},
      {"s{", {{3, kHex}, {4, kDec}}},
      {"s}", {{2, kHex}, {3, kDec}, {4, kHex}}},
      {"v", {{2, kHex}, {3, kHex}, {4, kWord}}},
      {"F", {{5, kHex}}},
      {"Q", {{3, kHex}, {4, kHex}, {5, kHex}, {6, kHex}}},
      {"N", {{1, kDec}}},
      {"b", {{3, kDec, false}, {4, kDec}, {5, kDec, false}, {6, kDec}, {7, kWord}}},
      {"k", {{3, kDec}, {5, kDec}, {6, kHex}, {7, kDec}, {8, kWord}}},
      {"h", {{3, kDec}}},
      {"g", {{5, kDec, false}, {6, kDec, false}, {7, kDec, false}, {8, kDec}, {9, kDec}}},
      {"C", {{1, kDec, false},  {2, kDec, false},  {3, kDec, false},  {4, kDec, false},
             {5, kDec},         {6, kDec},         {7, kDec},         {8, kDec},
             {9, kDec, false},  {10, kDec, false}, {11, kDec, false}, {12, kDec, false},
             {13, kDec, false}, {14, kDec, false}, {15, kHex},        {16, kHex},
             {17, kHex},        {18, kHex},        {19, kBit},        {20, kDec},
             {21, kDec, false}, {22, kDec, false}, {23, kDec}}},
      {"q", {{1, kDec, false}, {2, kHex, false}, {3, kHex, false}, {4, kHex, false}}},
      {"n", {{1, kHex}, {2, kHex}}},
      {"K", {{1, kHex}, {2, kDec}, {3, kBit}, {4, kWord}, {5, kWord}}},
  };
  return *table;
}

std::string Changed(const std::string& word, Type type) {
  uint64_t n = 0;
  switch (type) {
    case kDec:
      return absl::SimpleAtoi(word, &n) ? absl::StrCat(n + 1) : "77";
    case kHex:
      if (word == "-" || word == "max") return "123e000";
      return absl::StrCat(absl::Hex(std::stoull(word, nullptr, 16) ^ 0x2000));
    case kBit:
      return word == "0" ? "1" : "0";
    case kWord: {
      static const auto* const others = new std::map<std::string, std::string>{
          {"cache", "heap"}, {"heap", "L0"},       {"fast", "tree"},   {"tree", "fast"},
          {"none", "fail"},  {"fail", "none"},     {"go", "stop"},     {"stop", "go"},
          {"ok", "cool"},    {"dontneed", "free"}, {"nohuge", "huge"}, {"huge", "nohuge"}};
      const auto other = others->find(word);
      if (other != others->end()) return other->second;
      // A table, a bitmap.
      if (word[0] == 'L' || word == "index" || word == "map") return "heap";
      return word == "1f" ? "1e" : "1f";
    }
  }
  return word;
}

std::string LetterOf(const std::string& line) { return line.substr(0, line.find(' ')); }

bool SeveralProcessors(const std::string& path) {
  return path.find("_p4") != std::string::npos || path.find("procs") != std::string::npos;
}

TEST(Mutation, AChangedFieldIsReportedAtItsLine) {
  std::mt19937 random(7);
  std::map<std::string, int> tried;
  for (const std::string& path : LogPaths(kFolder)) {
    std::vector<std::string> lines = LogLines(path);
    std::map<std::string, std::vector<size_t>> places;
    for (size_t i = 2; i + 1 < lines.size(); ++i) places[LetterOf(lines[i])].push_back(i);
    for (const auto& [letter, fields] : Table()) {
      if (places[letter].empty()) continue;
      for (const Field& field : fields) {
        if (!field.locked && SeveralProcessors(path)) continue;
        const size_t at = places[letter][random() % places[letter].size()];
        const std::string line = lines[at];
        std::vector<std::string> words = absl::StrSplit(line, ' ');
        if (field.word >= words.size()) continue;  // what a request from the cache does not have
        words[field.word] = Changed(words[field.word], field.type);
        lines[at] = absl::StrJoin(words, " ");
        const auto report = sim::CheckLog(WriteLog("mutated119", lines));
        const std::string what = absl::StrCat(path, " '", line, "' made '", lines[at], "'");
        ASSERT_TRUE(report.ok()) << report.status() << "\n" << what;
        EXPECT_EQ(report->mismatches, 1u) << what;
        EXPECT_EQ(report->line, at + 1)
            << what << ": expected " << report->expected << ", got " << report->got;
        EXPECT_FALSE(report->expected.empty());
        EXPECT_FALSE(report->got.empty());
        lines[at] = line;
        ++tried[letter];
      }
    }
  }
  for (const auto& [letter, fields] : Table()) EXPECT_GT(tried[letter], 0) << letter;
}

TEST(Mutation, AMissingOrSuperfluousLineIsReportedThere) {
  std::mt19937 random(8);
  for (const std::string& path : LogPaths(kFolder)) {
    if (SeveralProcessors(path)) continue;
    const std::vector<std::string> lines = LogLines(path);
    std::map<std::string, std::vector<size_t>> places;
    for (size_t i = 2; i + 1 < lines.size(); ++i) places[LetterOf(lines[i])].push_back(i);
    for (const char* letter :
         {"R", "P", "G{", "G}", "m", "W", "d", "i", "s", "s}", "v", "n", "K"}) {
      if (places[letter].empty()) continue;
      const size_t at = places[letter][random() % places[letter].size()];
      std::vector<std::string> changed = lines;
      // The runtime's other memory may come at any time.
      size_t next = at;
      while (lines[next + 1].compare(0, 2, "o+") == 0) ++next;
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
      auto report = sim::CheckLog(WriteLog("missing119", changed));
      ASSERT_TRUE(report.ok()) << report.status() << "\n" << path << " without " << lines[at];
      EXPECT_EQ(report->line, next + 1) << path << " without " << lines[at];

      changed = lines;
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
      report = sim::CheckLog(WriteLog("twice119", changed));
      ASSERT_TRUE(report.ok()) << report.status() << "\n" << path << " with twice " << lines[at];
      EXPECT_EQ(report->line, at + 2) << path << " with twice " << lines[at];
    }
  }
}

}  // namespace
}  // namespace heapsim
