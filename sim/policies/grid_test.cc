#include "sim/policies/grid.h"

#include <string>

#include "gtest/gtest.h"
#include "sim/policies/grid_schema.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

TEST(Grid, IsTheProduct) {
  const auto policies = ParseGrid("g", R"(
    policy: ["go1.10", "ideal"]
    axis { path: "gc.percent" value: ["50", "200"] }
    axis { path: "procs" value: ["1", "2", "3"] })");
  ASSERT_TRUE(policies.ok()) << policies.status();
  ASSERT_EQ(policies->policies.size(), 12u);
  EXPECT_EQ(policies->policies[1].name(), "go1.10 gc.percent=50 procs=2");
  EXPECT_EQ(policies->policies[1].gc().percent(), 50);
  EXPECT_EQ(policies->policies[1].procs(), 2);
  EXPECT_EQ(policies->policies[11].name(), "ideal gc.percent=200 procs=3");
}

TEST(Grid, AnySettingMayBeAList) {
  const auto grid = ParseGrid("g", R"(
    # Numbers, choices, parts and flags.
    gc { percent: [50, 200] }
    reclaim: [RECLAIM_GC, RECLAIM_EXPLICIT]
    tiny: [true, false]
    os { page_size: 65536 }
    axis { path: "release.idle_limit_ns" value: ["5m", "1s"] })");
  ASSERT_TRUE(grid.ok()) << grid.status();
  ASSERT_EQ(grid->policies.size(), 16u);
  EXPECT_EQ(
      grid->policies[0].name(),
      "go1.10 reclaim=gc tiny=true gc.percent=50 os.page_size=65536 release.idle_limit_ns=5m");
  const proto::Policy& last = grid->policies[15];
  EXPECT_EQ(last.name(),
            "go1.10 reclaim=explicit tiny=false gc.percent=200 os.page_size=65536 "
            "release.idle_limit_ns=1s");
  EXPECT_EQ(last.reclaim(), proto::RECLAIM_EXPLICIT);
  EXPECT_FALSE(last.tiny());
  EXPECT_EQ(last.gc().percent(), 200);
  EXPECT_EQ(last.os().page_size(), 65536);
  EXPECT_EQ(last.release().idle_limit_ns(), 1000000000);
}

TEST(Grid, HasEverySetting) {
  for (const Setting& setting : ListSettings(proto::Policy())) {
    std::string text, end;
    std::string path = setting.path;
    for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
      text += path.substr(0, dot) + " { ";
      end += " }";
      path = path.substr(dot + 1);
    }
    const auto file = ParseGridFile("g", text + path + ": []" + end);
    EXPECT_EQ(file.status().message().find("g: " + setting.path + " is an empty list"), 0u)
        << file.status();
  }
}

TEST(Grid, SearchRangesArePassedOn) {
  const auto grid =
      ParseGrid("g", "search { path: 'gc.percent' min: 20 max: 400 log_scale: true }");
  ASSERT_TRUE(grid.ok()) << grid.status();
  ASSERT_EQ(grid->search.size(), 1u);
  EXPECT_EQ(grid->search[0].max(), 400);
  EXPECT_TRUE(grid->is_default);
  EXPECT_FALSE(ParseGrid("g", "procs: 1")->is_default);
  EXPECT_EQ(grid->policies.size(), 1u);
}

TEST(Grid, DefaultIsOnePolicy) {
  const auto policies = ParseGrid("g", "");
  ASSERT_TRUE(policies.ok());
  ASSERT_EQ(policies->policies.size(), 1u);
  EXPECT_EQ(policies->policies[0].name(), "go1.10");
}

TEST(Grid, TablesAreTexts) {
  const auto grid = ParseGrid("g",
                              "size_classes: SIZE_CLASSES_TABLE tiny: false "
                              "size_class_table: ['16/1,512/1', '64/1']");
  ASSERT_TRUE(grid.ok()) << grid.status();
  ASSERT_EQ(grid->policies.size(), 2u);
  EXPECT_EQ(grid->policies[0].size_class_table_size(), 2);
  EXPECT_EQ(grid->policies[1].size_class_table(0).slot_bytes(), 64);
}

TEST(Grid, Wrong) {
  const auto message = [](const char* text) {
    return std::string(ParseGrid("g", text).status().message());
  };
  EXPECT_NE(message("axis {\n  pth: 'x' }").find("g:2:"), std::string::npos);
  EXPECT_NE(message("policy: 'go9'").find("did you mean"), std::string::npos);
  EXPECT_NE(message("axis { path: 'procs' }").find("g: axis 1: value is empty"), std::string::npos);
  EXPECT_NE(message("axis { path: 'gc.percnt' value: '5' }").find("gc.percent"), std::string::npos);
  EXPECT_NE(message("axis { path: 'procs' value: '0' }").find("procs cannot be '0'"),
            std::string::npos);
  EXPECT_NE(message("gc { percnt: 5 }").find("g:1:12: "), std::string::npos);
  EXPECT_NE(message("gc { percnt: 5 }").find("did you mean percent"), std::string::npos);
  EXPECT_NE(
      message("reclaim: [RECLAIM_GC, RECLAIM_NOW]").find("one of RECLAIM_GC, RECLAIM_EXPLICIT"),
      std::string::npos);
  EXPECT_NE(message("name: 'x'").find("no field named"), std::string::npos);
  EXPECT_NE(message("procs: []").find("g: procs is an empty list"), std::string::npos);
  EXPECT_NE(message("gc { percent: [] }").find("g: gc.percent is an empty list"),
            std::string::npos);
  EXPECT_NE(message("procs: [1, 0]").find("g: setting procs cannot be '0'; it takes"),
            std::string::npos);
  EXPECT_NE(message("procs: [1, 1]").find("'1' twice"), std::string::npos);
  EXPECT_NE(
      message("procs: 1 axis { path: 'procs' value: '2' }").find("axis 1: 'procs' has values"),
      std::string::npos);
  EXPECT_NE(message("policy: 'go1.10-explicit' axis { path: 'release.rule' value: 'paced' }")
                .find("policy 'go1.10-explicit release.rule=paced': setting release.rule"),
            std::string::npos);
  std::string huge;
  for (int axis = 0; axis < 5; ++axis) {
    const char* const paths[] = {"procs", "startup_pages", "gc.percent", "gc.bg_sweep_ns",
                                 "gc.forced_period_ns"};
    huge += std::string("axis { path: '") + paths[axis] +
            "' value: ['1','2','3','4','5','6','7','8'] }";
  }
  EXPECT_NE(message(huge.c_str()).find("axis 5: more than 10000"), std::string::npos);
}

}  // namespace
}  // namespace heapsim::sim
