// Logs that no runtime wrote whole: cut, garbled, of another version, asking for what cannot be.
// Each is refused with its line, or is a mismatch; none passes silently, none crashes.

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
using conform_tests::LogPath;
using conform_tests::ReadBytes;
using conform_tests::WriteBytes;
using conform_tests::WriteLog;
using testing::HasSubstr;

constexpr char kObjects[] = "jsonloop_small_l2";
constexpr char kPages[] = "stacks_p2_10k_l1";

void ExpectBad(const std::string& path, size_t line) {
  const auto report = sim::CheckLog(path);
  ASSERT_FALSE(report.ok()) << "line " << line;
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr(absl::StrCat(path, ": line ", line, ": ")));
}

// The log with one line replaced.
std::string With(const std::string& name, size_t line, const std::string& text) {
  std::vector<std::string> lines = LogLines(LogPath(name));
  lines.at(line - 1) = text;
  return WriteLog("with", lines);
}

TEST(BadLog, CutAtALine) {
  for (const char* name : {kObjects, kPages}) {
    const std::vector<std::string> lines = LogLines(LogPath(name));
    for (size_t n : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{11}, lines.size() / 2,
                     lines.size() - 1}) {
      ExpectBad(WriteLog("cut", std::vector<std::string>(lines.begin(), lines.begin() + n)), n + 1);
    }
  }
}

TEST(BadLog, CutAnywhere) {
  const std::string text = absl::StrJoin(LogLines(LogPath(kPages)), "\n");
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    const size_t size = random() % (text.size() - 2);
    const auto report = sim::CheckLog(WriteBytes("cut", text.substr(0, size)));
    ASSERT_FALSE(report.ok()) << size;
    EXPECT_THAT(std::string(report.status().message()), HasSubstr("line "));
  }
}

TEST(BadLog, CutOrDamagedCompression) {
  const std::string good = ReadBytes(LogPath(kObjects));
  std::mt19937 random(2);
  for (int i = 0; i < 50; ++i) {
    const auto cut = sim::CheckLog(WriteBytes("cut.zst", good.substr(0, random() % good.size())));
    ASSERT_FALSE(cut.ok());
    std::string damaged = good;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    const auto report = sim::CheckLog(WriteBytes("damaged.zst", damaged));
    if (report.ok()) {
      EXPECT_LE(report->mismatches, 1u);
    }
  }
}

// Whatever one byte becomes, the answer is a word, and mostly a line.
TEST(BadLog, GarbledBytes) {
  std::mt19937 random(3);
  for (const char* name : {kObjects, kPages, "finalizers_26k_l2", "largechurn3_10k_l2"}) {
    const std::string text = absl::StrJoin(LogLines(LogPath(name)), "\n");
    for (int i = 0; i < 150; ++i) {
      std::string garbled = text;
      for (uint32_t n = random() % 3 == 0 ? 5 : 1; n > 0; --n)
        garbled[random() % garbled.size()] = static_cast<char>(random() % 256);
      const auto report = sim::CheckLog(WriteBytes("garbled", garbled));
      if (!report.ok()) {
        EXPECT_THAT(std::string(report.status().message()), HasSubstr("line "));
      }
    }
  }
}

TEST(BadLog, OtherVersions) {
  for (const char* first :
       {"V 2 level 1 go1.10 linux/amd64 title x", "V 1 level 3 go1.10 linux/amd64 title x",
        "V 1 level 1 go1.11 linux/amd64 title x", "V 1 level 1 go1.10 windows/amd64 title x", "",
        "hello"}) {
    ExpectBad(With(kPages, 1, first), 1);
  }
}

TEST(BadLog, ImpossibleMachines) {
  const std::string good = LogLines(LogPath(kPages))[1];
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return line;
  };
  for (const std::string& line :
       {with("page 8192", "page 4096"), with("phys_page 4096", "phys_page 4095"),
        with("phys_page 4096", "phys_page 0"), with("chunk 1048576", "chunk 0"),
        with("chunk 1048576", "chunk 1048577"), with("arena_end 8000002000", "arena_end 0"),
        with("arena_end 8000002000", "arena_end ffffffffffffe000"),
        with("bitmap_bytes 400000000", "bitmap_bytes 0"),
        with("spans_bytes 20000000", "spans_bytes ffffffffffffffff"),
        with("arena_reserved 0", "arena_reserved 2")}) {
    ExpectBad(With(kPages, 2, line), 2);
  }
  ExpectBad(With(kPages, 3, "I2 sizeof_mspan 160 sizeof_treapnode 48 huge_page 2097152"), 3);
}

// Operations that nothing could have asked for, each in place of a line where no operation is open.
TEST(BadLog, ImpossibleOperations) {
  const auto check = [](const char* name, const char* start,
                        const std::vector<std::string>& texts) {
    const std::vector<std::string> lines = LogLines(LogPath(name));
    size_t at = lines.size() / 2;
    while (lines[at].compare(0, std::string(start).size(), start) != 0) ++at;
    for (const std::string& text : texts) {
      SCOPED_TRACE(text);
      ExpectBad(With(name, at + 1, text), at + 1);
    }
  };
  check(kObjects, "M ",
        {"M 0 1 1 = 0", "M 18446744073709551615 1 1 = 0", "A 0 s 0 0 = 0 1 0 0 0",
         "A 99999999999 s 0 0 = 0 1 0 0 0", "F 7ffffff000 1 manual 0 1 stack 1 0 = 0 0 0 0 0",
         "F 1000 1 manual 0 1 stack 1 0 = 0 0 0 0 0", "F 0 1 manual 0 1 stack 1 0 = 0 0 0 0 0",
         "P+ 7fffffe000 0 1 1", "P+ 0 99999999 1 1", "P+ 0 0 3 1", "P- 0 0 2 1", "q", "M", "gP 7 0",
         "S 99999999999 max 0 = 0", "; 1 lines, truncated"});
  check(kPages, "A{",
        {"M 8 1 1 = 0", "Y{", "X 2 0 0", "A 67108866 s 0 0 = 0 1 0 0 0", "A 1 q 0 0 = 0 1 0 0 0",
         "A 1 g 134 0 = 0 1 0 0 0", "F 0 99 inuse 1 1 small 1 0 = 0 0 0 0 0",
         "F 0 1 inuse 1 1 large 1 0 = 0 0 0 0 0"});
}

TEST(BadLog, NothingChecked) {
  const std::vector<std::string> lines = LogLines(LogPath(kPages));
  std::vector<std::string> empty(lines.begin(), lines.begin() + 3);
  empty.push_back("; 3 lines, truncated");
  ExpectBad(WriteLog("empty", empty), 4);
}

TEST(BadLog, Trailers) {
  std::vector<std::string> lines = LogLines(LogPath(kPages));
  const std::string trailer = lines.back();
  for (const std::string& text : {std::string("; 5 lines, truncated"), trailer + " x",
                                  std::string("; 10000 lines, complete"), std::string(";")}) {
    lines.back() = text;
    ExpectBad(WriteLog("trailer", lines), lines.size());
  }
  lines.back() = trailer;
  lines.push_back("A 1 s 0 0 = 0 1 0 0 0");
  ExpectBad(WriteLog("behind", lines), lines.size());
}

TEST(BadLog, NoFile) {
  EXPECT_EQ(sim::CheckLog("/nonexistent/log").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(sim::CheckLog(testing::TempDir()).ok());
  EXPECT_FALSE(sim::CheckLog(WriteBytes("nothing", "")).ok());
}

}  // namespace
}  // namespace heapsim
