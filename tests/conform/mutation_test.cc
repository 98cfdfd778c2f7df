// One determined field of a log is changed a time, or one determined line is taken out or doubled;
// the check must say so at that line. Every kind of line that the format calls determined is tried,
// in every log that has it.

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
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

enum class FieldType { kDec, kSigned, kHex, kBit, kRatio, kWord };

struct Field {
  size_t index;  // among the words of inputs, or of results, from 1
  FieldType type;
};

// The determined fields of a kind of line.
struct Determined {
  std::vector<Field> inputs;   // compared where the operation is the heap's own
  std::vector<Field> results;  // of operations
};

constexpr auto D = FieldType::kDec;
constexpr auto H = FieldType::kHex;
constexpr auto B = FieldType::kBit;
constexpr auto W = FieldType::kWord;

const std::map<std::string, Determined>& Table() {
  static const auto* const table = new std::map<std::string, Determined>{
      // Where the log gives the operation (which is looked up in Inputs), the inputs are not
      // determined.
      {"A", {{{1, D}, {3, D}, {4, B}}, {{1, H}, {2, D}, {3, B}, {4, B}, {5, H}}}},
      {"F", {{{1, H}, {2, D}, {4, B}, {5, B}, {7, B}, {8, H}}, {{2, H}, {3, D}, {4, D}, {5, B}}}},
      {"G", {{{1, D}, {2, D}}, {{1, H}}}},
      {"S", {{}, {{1, D}}}},
      {"M", {{}, {{1, H}}}},
      {"R", {{{1, D}, {2, H}}, {{1, H}, {2, W}, {3, D}, {4, D}, {5, D}}}},
      {"D", {{{1, D}, {2, D}, {3, D}, {4, D}}, {}}},
      {"H", {{{1, D}}, {}}},
      {"W", {{{1, W}}, {{1, FieldType::kSigned}}}},
      {"Z",
       {{{1, H}, {2, D}, {3, D}, {4, D}, {5, B}, {6, D}, {7, D}, {8, D}},
        {{1, D}, {2, D}, {3, B}}}},
      {"Q", {{{1, H}}, {}}},
      {"n", {{{1, H}}, {}}},
      {"x", {{{1, H}}, {}}},
      {"t", {{{1, H}, {2, D}, {4, H}}, {}}},
      {"U", {{{1, H}, {2, H}}, {}}},
      {"u", {{{1, H}, {2, H}}, {}}},
      {"v", {{{1, H}, {2, H}, {3, W}}, {}}},
      {"m", {{{1, W}, {2, H}, {3, H}, {4, W}}, {}}},
      {"L", {{{1, D}, {2, H}, {3, D}, {4, D}, {5, D}, {6, B}, {7, H}}, {}}},
      {"T", {{{1, D}, {2, H}, {3, D}, {4, D}, {5, D}, {6, B}, {7, H}, {8, D}}, {}}},
      {"C",
       {{{1, D},
         {2, D},
         {3, D},
         {4, D},
         {5, D},
         {6, D},
         {8, D},
         {9, D},
         {10, D},
         {11, D},
         {12, D},
         {13, D},
         {14, D},
         {15, D},
         {16, D}},
        {}}},
      {"X", {{{1, D}, {2, H}, {3, D}}, {}}},
      {"P+", {{{4, B}}, {}}},
      {"P-", {{{4, B}}, {}}},
      {"P!", {{{1, H}, {2, D}}, {}}},
      {"gW", {{{1, D}, {3, D}}, {}}},
      {"gS", {{{4, D}}, {}}},
      {"gR", {{{1, FieldType::kRatio}, {2, D}, {3, D}, {7, B}, {8, D}}, {}}},
  };
  return *table;
}

// Lines that the heap must make come, and no others.
const std::set<std::string>& WholeLines() {
  static const auto* const kinds = new std::set<std::string>{"n", "x",  "t", "U", "u", "v",    "m",
                                                             "X", "P!", "L", "T", "C", "k 152"};
  return *kinds;
}

std::string LetterOf(const std::string& line) {
  std::string word(line.substr(0, line.find(' ')));
  if (word.size() == 2 && (word[1] == '{' || word[1] == '}')) word.pop_back();
  return word;
}

struct Change {
  size_t line;  // from 0
  size_t word;
  FieldType type;
};

// Whether the log gives this operation, so that its inputs are no result of anything.
bool IsGiven(const std::vector<std::string>& words, const std::string& letter, bool objects) {
  if (letter == "A") return !objects || words[2] != "g";
  if (letter == "F")
    return words[6] == "stack" || words[6] == "wbuf" ||
           (!objects && words[6] != "trim" && words[6] != "grow");
  if (letter == "W") return words[1] != "deduct" && words[1] != "reclaim";
  return false;
}

// The determined fields of a line, at the level of its log.
std::vector<Change> ChangesOf(const std::string& line, size_t number, bool objects) {
  const auto entry = Table().find(LetterOf(line));
  std::vector<Change> changes;
  if (entry == Table().end()) return changes;
  if (!objects && (entry->first == "gS" || entry->first == "gR")) return changes;
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  const bool closes = words[0].size() == 2 && words[0][1] == '}';
  if (!closes && !IsGiven(words, entry->first, objects)) {
    for (const Field& field : entry->second.inputs) {
      if (words[field.index] != "-") changes.push_back({number, field.index, field.type});
    }
  }
  size_t results = 0;
  if (!closes) {
    results = std::find(words.begin(), words.end(), "=") - words.begin();
    if (results == words.size()) return changes;
  }
  for (const Field& field : entry->second.results)
    changes.push_back({number, results + field.index, field.type});
  if (entry->first == "F" && !closes && words[6] == "trim")
    changes.push_back({number, results + 1, D});
  return changes;
}

std::string Changed(const std::string& word, FieldType type) {
  uint64_t n = 0;
  switch (type) {
    case FieldType::kDec:
      EXPECT_TRUE(absl::SimpleAtoi(word, &n)) << word;
      return absl::StrCat(n + 1);
    case FieldType::kSigned:
      return word == "-1" ? "0" : absl::StrCat(word, "1");
    case FieldType::kHex:
      n = std::stoull(word, nullptr, 16);
      return absl::StrCat(absl::Hex(n + 0x2000));
    case FieldType::kBit:
      return word == "0" ? "1" : "0";
    case FieldType::kRatio:  // in its last bit
      n = std::stoull(word, nullptr, 16);
      return absl::StrCat(absl::Hex(n ^ 1, absl::kZeroPad16));
    case FieldType::kWord: {
      static const auto* const others =
          new std::map<std::string, std::string>{{"deduct", "reclaim"},
                                                 {"reclaim", "deduct"},
                                                 {"nonempty", "grow"},
                                                 {"grow", "nonempty"},
                                                 {"nonempty-sweep", "empty-sweep"},
                                                 {"empty-sweep", "nonempty"},
                                                 {"dontneed", "nohuge"},
                                                 {"nohuge", "huge"},
                                                 {"huge", "dontneed"},
                                                 {"arena", "spans"},
                                                 {"spans", "bitmap"},
                                                 {"bitmap", "arena"},
                                                 {"heap_sys", "gc_sys"},
                                                 {"gc_sys", "heap_sys"},
                                                 {"other_sys", "gc_sys"}};
      return others->at(word);
    }
  }
  return word;
}

TEST(Mutation, AChangedFieldIsReportedAtItsLine) {
  std::mt19937 random(7);
  uint64_t tried = 0;
  std::map<std::string, int> kinds;
  for (const std::string& path : LogPaths()) {
    std::vector<std::string> lines = LogLines(path);
    const bool objects = absl::StrContains(lines[0], " level 2 ");
    // All changes, by what they change.
    std::map<std::string, std::vector<Change>> changes;
    for (size_t i = 3; i + 1 < lines.size(); ++i) {
      for (const Change& change : ChangesOf(lines[i], i, objects)) {
        changes[absl::StrCat(LetterOf(lines[i]), " ", change.word, " ",
                             lines[i][1] == '{' || lines[i][1] == '}' ? 1 : 0)]
            .push_back(change);
      }
    }
    for (const auto& [what, places] : changes) {
      const Change change = places[random() % places.size()];
      const std::string line = lines[change.line];
      std::vector<std::string> words = absl::StrSplit(line, ' ');
      words[change.word] = Changed(words[change.word], change.type);
      lines[change.line] = absl::StrJoin(words, " ");
      const auto report = sim::CheckLog(WriteLog("mutated", lines));
      ASSERT_TRUE(report.ok()) << report.status() << "\n"
                               << path << " '" << line << "' made '" << lines[change.line] << "'";
      EXPECT_EQ(report->mismatches, 1u)
          << path << " '" << line << "' made '" << lines[change.line] << "'";
      EXPECT_EQ(report->line, change.line + 1)
          << path << " '" << line << "' made '" << lines[change.line] << "': expected "
          << report->expected << ", got " << report->got;
      EXPECT_FALSE(report->expected.empty());
      EXPECT_FALSE(report->got.empty());
      lines[change.line] = line;
      ++tried;
      ++kinds[LetterOf(line)];
    }
  }
  EXPECT_GE(tried, 200u);
  RecordProperty("tried", static_cast<int>(tried));
  for (const auto& [letter, fields] : Table()) {
    EXPECT_GT(kinds[letter], 0) << letter;
  }
}

TEST(Mutation, TheHeapAroundTheAddressIsShown) {
  std::vector<std::string> lines = LogLines(conform_tests::LogPath("largechurn4_long_10k_l1"));
  size_t i = lines.size() - 1;
  while (!absl::StartsWith(lines[i], "A} ")) --i;
  std::vector<std::string> words = absl::StrSplit(lines[i], ' ');
  const std::string offset = words[1];
  words[1] = Changed(offset, FieldType::kHex);
  const std::string expected = absl::StrCat("offset ", words[1]);
  lines[i] = absl::StrJoin(words, " ");
  const auto report = sim::CheckLog(WriteLog("around", lines));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->expected, expected);
  EXPECT_EQ(report->got, "offset " + offset);
  EXPECT_EQ(report->text, lines[i]);
  EXPECT_TRUE(absl::StrContains(report->surroundings, "spans around " + offset + ":\n"))
      << report->surroundings;
  EXPECT_TRUE(absl::StrContains(report->surroundings, "\n> " + offset + " "))
      << report->surroundings;
  EXPECT_TRUE(absl::StrContains(report->surroundings, "treap path of the last request"))
      << report->surroundings;
}

TEST(Mutation, AMissingOrSuperfluousLineIsReportedThere) {
  std::mt19937 random(8);
  std::map<std::string, int> kinds;
  for (const std::string& path : LogPaths()) {
    const std::vector<std::string> lines = LogLines(path);
    std::map<std::string, std::vector<size_t>> places;
    for (size_t i = 3; i + 1 < lines.size(); ++i) {
      std::string letter = LetterOf(lines[i]);
      if (absl::StartsWith(lines[i], "k 152 ")) letter = "k 152";
      if (WholeLines().contains(letter)) places[letter].push_back(i);
    }
    for (const auto& [letter, at] : places) {
      const size_t i = at[random() % at.size()];
      for (const bool twice : {false, true}) {
        std::vector<std::string> changed = lines;
        if (twice) {
          changed.insert(changed.begin() + i, lines[i]);
        } else {
          changed.erase(changed.begin() + i);
        }
        const auto report = sim::CheckLog(WriteLog("line", changed));
        ASSERT_TRUE(report.ok()) << report.status() << "\n" << path << " '" << lines[i] << "'";
        EXPECT_EQ(report->mismatches, 1u) << path << " '" << lines[i] << "' " << twice;
        // Lines that are recorded only may stand before the one at which it shows.
        size_t shows = i + (twice ? 1 : 0);
        while (absl::StartsWith(changed[shows], "o+")) ++shows;
        EXPECT_EQ(report->line, shows + 1) << path << " '" << lines[i] << "': expected "
                                           << report->expected << ", got " << report->got;
        ++kinds[letter];
      }
    }
  }
  for (const std::string& letter : WholeLines()) EXPECT_GT(kinds[letter], 0) << letter;
}

}  // namespace
}  // namespace heapsim
