#include "sim/conform/line_cursor.h"

#include <zstd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "sim/conform/stop.h"

namespace heapsim::sim {
namespace {

std::string Write(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), 0);
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Lines of all lengths, several buffers in all.
std::vector<std::string> ManyLines() {
  std::vector<std::string> lines;
  for (int i = 0; i < 30000; ++i)
    lines.push_back(absl::StrCat("M ", i, " ", std::string(i % 97, 'a')));
  return lines;
}

std::string Text(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

TEST(LineCursor, ReadsPlainAndCompressed) {
  const std::vector<std::string> lines = ManyLines();
  for (const std::string& bytes : {Text(lines), Zstd(Text(lines))}) {
    auto cursor = LineCursor::Open(Write("many", bytes));
    ASSERT_TRUE(cursor.ok());
    for (size_t i = 0; i < lines.size(); ++i) {
      ASSERT_FALSE((*cursor)->at_end());
      ASSERT_EQ((*cursor)->line(), lines[i]);
      ASSERT_EQ((*cursor)->number(), i + 1);
      (*cursor)->Advance();
    }
    EXPECT_TRUE((*cursor)->at_end());
    EXPECT_EQ((*cursor)->events(), lines.size());
  }
}

TEST(LineCursor, SeveralFramesAreOneText) {
  auto cursor = LineCursor::Open(Write("frames", Zstd("a\nb") + Zstd("c\nd\n")));
  ASSERT_TRUE(cursor.ok());
  EXPECT_EQ((*cursor)->line(), "a");
  EXPECT_EQ((*cursor)->Peek(1), "bc");
  EXPECT_EQ((*cursor)->Peek(2), "d");
}

TEST(LineCursor, LooksAheadOverBuffers) {
  const std::vector<std::string> lines = ManyLines();
  auto cursor = LineCursor::Open(Write("ahead", Text(lines)));
  ASSERT_TRUE(cursor.ok());
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t ahead = i * 7 % 300;
    if (i % 50 == 0) {
      const auto line = (*cursor)->Peek(ahead);
      ASSERT_EQ(line.has_value(), i + ahead < lines.size());
      if (line.has_value()) {
        ASSERT_EQ(*line, lines[i + ahead]);
      }
    }
    ASSERT_EQ((*cursor)->line(), lines[i]);
    (*cursor)->Advance();
  }
}

TEST(LineCursor, ALineWithoutEndIsCut) {
  auto cursor = LineCursor::Open(Write("cut", "M 1\nM 2"));
  ASSERT_TRUE(cursor.ok());
  try {
    (*cursor)->Advance();
    FAIL();
  } catch (const BadLog& bad) {
    EXPECT_EQ(bad.line, 2u);
  }
  // But the trailer needs none.
  auto whole = LineCursor::Open(Write("whole", "M 1\n; 1 lines, truncated"));
  ASSERT_TRUE(whole.ok());
  (*whole)->Advance();
  EXPECT_EQ((*whole)->line(), "; 1 lines, truncated");
  (*whole)->Advance();
  EXPECT_TRUE((*whole)->at_end());
}

TEST(LineCursor, CutAndDamagedCompressionHasALine) {
  const std::string good = Zstd(Text(ManyLines()));
  for (size_t size : {size_t{20}, good.size() / 2, good.size() - 1}) {
    auto cursor = LineCursor::Open(Write("part", good.substr(0, size)));
    if (!cursor.ok()) {
      EXPECT_NE(cursor.status().message().find("line 1:"), absl::string_view::npos);
      continue;
    }
    EXPECT_THROW(while (!(*cursor)->at_end())(*cursor)->Advance(), BadLog);
  }
}

TEST(LineCursor, EventsLeaveOutWhatIsAboutTheLog) {
  auto cursor = LineCursor::Open(Write("events", "V 1\nI a\nI2 b\nM 1\nE\n. 5\n; 6 lines\n"));
  ASSERT_TRUE(cursor.ok());
  while (!(*cursor)->at_end()) (*cursor)->Advance();
  EXPECT_EQ((*cursor)->events(), 1u);
}

TEST(LineCursor, NoSuchFile) {
  EXPECT_EQ(LineCursor::Open("/nonexistent/log").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace heapsim::sim
