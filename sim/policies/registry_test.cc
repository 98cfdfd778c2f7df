#include "sim/policies/registry.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

using ::testing::HasSubstr;

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(Registry, NamedPoliciesAreDescribed) {
  for (const proto::Policy& policy : NamedPolicies()) {
    EXPECT_FALSE(policy.description().empty()) << policy.name();
    EXPECT_EQ(policy.description().find('\n'), std::string::npos) << policy.name();
  }
}

TEST(Registry, ThePromisedNamesExist) {
  EXPECT_EQ(LoadPolicy("go1.10")->reclaim(), proto::RECLAIM_GC);
  EXPECT_EQ(LoadPolicy("go1.10-explicit")->reclaim(), proto::RECLAIM_EXPLICIT);
  EXPECT_EQ(LoadPolicy("ideal")->engine(), proto::ENGINE_IDEAL);
}

TEST(Registry, AnUnknownNameListsTheNearest) {
  const absl::Status status = LoadPolicy("go1.11").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("go1.10"));
}

TEST(Registry, AFileIsAPolicy) {
  const std::string path = WriteFile("mine.textproto", "procs: 2 gc { percent: 50 }");
  absl::StatusOr<proto::Policy> policy = LoadPolicy(path);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->name(), "mine");
  EXPECT_EQ(policy->procs(), 2);
  EXPECT_EQ(policy->gc().percent(), 50);
}

TEST(Registry, AWrongFileIsNamedWithItsLine) {
  const std::string path = WriteFile("wrong.textproto", "procs: 2\nporcs: 3\n");
  EXPECT_THAT(std::string(LoadPolicy(path).status().message()), HasSubstr(path + ":2:"));
  const std::string range = WriteFile("range.textproto", "procs: 0\n");
  EXPECT_THAT(std::string(LoadPolicy(range).status().message()), HasSubstr("procs"));
  EXPECT_THAT(std::string(LoadPolicy("/nowhere.textproto").status().message()),
              HasSubstr("/nowhere.textproto"));
  EXPECT_FALSE(LoadPolicy(::testing::TempDir()).ok());
}

}  // namespace
}  // namespace heapsim::sim
