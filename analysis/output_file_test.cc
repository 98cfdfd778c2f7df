#include "analysis/output_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public ::testing::Test {
 protected:
  OutputFileTest()
      : folder_(fs::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  size_t Files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  fs::path folder_;
};

TEST_F(OutputFileTest, AppearsWithCommit) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(Path("a"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(fs::exists(Path("a")));
  ASSERT_TRUE(file->Commit("text").ok());
  EXPECT_EQ(Read(Path("a")), "text");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(OutputFileTest, WithoutCommitTheOldFileStays) {
  std::ofstream(Path("a")) << "old";
  { ASSERT_TRUE(OutputFile::Create(Path("a")).ok()); }
  EXPECT_EQ(Read(Path("a")), "old");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(OutputFileTest, ALinkStaysALink) {
  fs::create_symlink(Path("a"), Path("link"));
  std::ofstream(Path("a")) << "old";
  ASSERT_TRUE(OutputFile::Create(Path("link"))->Commit("new").ok());
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(Read(Path("a")), "new");
}

TEST_F(OutputFileTest, AMissingFolderIsToldAtOnce) {
  const absl::Status status = OutputFile::Create(Path("no/a")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(Path("no/a")));
  EXPECT_FALSE(OutputFile::Create(folder_.string()).ok());
  EXPECT_FALSE(OutputFile::Create("").ok());
}

TEST_F(OutputFileTest, DevicesAreWrittenDirectly) {
  absl::StatusOr<OutputFile> null = OutputFile::Create("/dev/null");
  ASSERT_TRUE(null.ok()) << null.status();
  EXPECT_TRUE(null->Commit("text").ok());
  absl::StatusOr<OutputFile> full = OutputFile::Create("/dev/full");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_THAT(std::string(full->Commit("text").message()), ::testing::HasSubstr("No space left"));
}

}  // namespace
}  // namespace heapsim::analysis
