#include "sim/tool/command.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{60000};

TEST(Command, OutputAndStatus) {
  const auto output = RunCommand({"sh", "-c", "cat; echo out; echo err >&2; exit 3"}, kLong);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->status, 3);
  EXPECT_EQ(RunCommand({"sh", "-c", "kill -9 $$"}, kLong)->status, 137);
}

TEST(Command, MoreThanAPipeHolds) {
  const auto output = RunCommand({"sh", "-c", "seq 100000 >&2; seq 100000"}, kLong);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->out.size(), 588895u);
  EXPECT_EQ(output->err, output->out);
}

TEST(Command, CannotStartOrTakesTooLong) {
  EXPECT_FALSE(RunCommand({"heapsim-no-such-program"}, kLong).ok());
  const auto slow = RunCommand({"sleep", "60"}, milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(slow.status())) << slow.status();
}

TEST(Command, Paths) {
  EXPECT_TRUE(InPath("sh"));
  EXPECT_FALSE(InPath("heapsim-no-such-program"));
  ASSERT_TRUE(OwnPath().ok());
  EXPECT_EQ(access(OwnPath()->c_str(), X_OK), 0);
}

TEST(Command, QuotedWordsComeBack) {
  const std::string word = "a b'c\"$HOME`ls`\\n*";
  EXPECT_EQ(RunCommand({"sh", "-c", "printf %s " + ShellQuoted(word)}, kLong)->out, word);
}

}  // namespace
}  // namespace heapsim::sim
