#include "sim/policies/settings.h"

#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

using ::testing::HasSubstr;

Setting Find(const proto::Policy& policy, const std::string& path) {
  for (const Setting& setting : ListSettings(policy)) {
    if (setting.path == path) return setting;
  }
  ADD_FAILURE() << path;
  return {};
}

TEST(Settings, ThoseOfTheDocumentsExistWithTheirDefaults) {
  const proto::Policy policy;
  const std::map<std::string, std::string> documented = {
      {"procs", "4"},
      {"objects.scan", "recorded"},
      {"objects.touch", "whole"},
      {"objects.zero", "recorded"},
      {"gc.mark_bytes_per_second", "0"},
      {"gc.bg_sweep_ns", "10000"},
  };
  for (const auto& [path, value] : documented) EXPECT_EQ(Find(policy, path).value, value) << path;
}

TEST(Settings, EachSaysWhatItMeans) {
  std::set<std::string> paths;
  for (const Setting& setting : ListSettings(proto::Policy())) {
    EXPECT_TRUE(paths.insert(setting.path).second) << setting.path;
    EXPECT_FALSE(setting.meaning.empty()) << setting.path;
    for (const Setting::Choice& choice : setting.choices) {
      EXPECT_FALSE(choice.meaning.empty()) << setting.path << " " << choice.name;
      EXPECT_EQ(choice.name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), std::string::npos);
    }
  }
  EXPECT_GT(paths.size(), 10u);
}

TEST(Settings, ListedValuesCanBeSet) {
  proto::Policy policy;
  for (const Setting& setting : ListSettings(policy)) {
    EXPECT_TRUE(ApplySetting(setting.path + "=" + setting.value, &policy).ok()) << setting.path;
    for (const Setting::Choice& choice : setting.choices) {
      EXPECT_TRUE(ApplySetting(setting.path + "=" + choice.name, &policy).ok()) << choice.name;
      EXPECT_EQ(Find(policy, setting.path).value, choice.name);
    }
  }
}

TEST(Settings, TakesUnits) {
  proto::Policy policy;
  ASSERT_TRUE(ApplySetting("os.limit_bytes=3GiB", &policy).ok());
  EXPECT_EQ(policy.os().limit_bytes(), int64_t{3} << 30);
  ASSERT_TRUE(ApplySetting("release.idle_limit_ns=1m30s", &policy).ok());
  EXPECT_EQ(policy.release().idle_limit_ns(), 90'000'000'000);
  ASSERT_TRUE(ApplySetting("gc.bg_sweep_ns=-1", &policy).ok());
  EXPECT_EQ(policy.gc().bg_sweep_ns(), -1);
}

TEST(Settings, AWrongPathNamesTheNearest) {
  proto::Policy policy;
  for (const char* path : {"objects.skan", "scan", "objects", "objects.scan.x", "", "name"}) {
    const absl::Status status = ApplySetting(std::string(path) + "=none", &policy);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("'") + path + "'"));
  }
  EXPECT_THAT(std::string(ApplySetting("objects.skan=none", &policy).message()),
              HasSubstr("objects.scan"));
  EXPECT_EQ(policy.ByteSizeLong(), 0u) << "a wrong setting must leave the policy alone";
}

TEST(Settings, AWrongValueSaysWhatIsAccepted) {
  proto::Policy policy;
  const std::map<std::string, std::string> wrong = {
      {"objects.scan=some", "one of recorded, none, all"},
      {"tiny=yes", "true or false"},
      {"procs=0", "from 1 to 1024"},
      {"procs=4294967297", "from 1 to 1024"},
      {"procs=four", "an integer"},
      {"procs=", "an integer"},
      {"os.page_size=5000", "a power of two from 4096 to 65536"},
      {"os.limit_bytes=9999999999TiB", "bytes"},
      {"os.limit_bytes=-1GiB", "bytes"},
      {"gc.percent=50%", "percent"},
      {"release.idle_limit_ns=inf", "ns"},
      {"procs", "path=value"},
  };
  for (const auto& [assignment, text] : wrong) {
    EXPECT_THAT(std::string(ApplySetting(assignment, &policy).message()), HasSubstr(text))
        << assignment;
  }
  EXPECT_EQ(policy.ByteSizeLong(), 0u);
}

TEST(Settings, ATableIsRowsOfIntegers) {
  proto::Policy policy;
  ASSERT_TRUE(ApplySetting("size_class_table=16/1,512/2", &policy).ok());
  ASSERT_EQ(policy.size_class_table_size(), 2);
  EXPECT_EQ(policy.size_class_table(1).slot_bytes(), 512);
  EXPECT_EQ(policy.size_class_table(1).span_pages(), 2);
  EXPECT_EQ(Find(policy, "size_class_table").value, "16/1,512/2");
  for (const char* wrong : {"16", "16/1,", "16/1/1", "16/x", "-16/1", "16/1;32/1"}) {
    EXPECT_THAT(
        std::string(ApplySetting(std::string("size_class_table=") + wrong, &policy).message()),
        HasSubstr("rows of slot_bytes/span_pages"))
        << wrong;
  }
  EXPECT_EQ(Find(policy, "size_class_table").value, "16/1,512/2");
  EXPECT_FALSE(ApplySetting("size_class_table.slot_bytes=16", &policy).ok());
  ASSERT_TRUE(ApplySetting("size_class_table=", &policy).ok());
  EXPECT_EQ(policy.size_class_table_size(), 0);
}

TEST(Settings, AFilesValuesAreCheckedToo) {
  proto::Policy policy;
  EXPECT_TRUE(CheckSettings(policy).ok());
  policy.mutable_os()->set_page_size(6000);
  EXPECT_THAT(std::string(CheckSettings(policy).message()), HasSubstr("os.page_size"));
}

}  // namespace
}  // namespace heapsim::sim
