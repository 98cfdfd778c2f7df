#include "sim/policies/grid.h"

#include <string>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

TEST(Grid, IsTheProduct) {
  const auto policies = ParseGrid("g", R"(
    policy: ["go1.10", "ideal"]
    axis { path: "gc.percent" value: ["50", "200"] }
    axis { path: "procs" value: ["1", "2", "3"] })");
  ASSERT_TRUE(policies.ok()) << policies.status();
  ASSERT_EQ(policies->size(), 12u);
  EXPECT_EQ((*policies)[1].name(), "go1.10 gc.percent=50 procs=2");
  EXPECT_EQ((*policies)[1].gc().percent(), 50);
  EXPECT_EQ((*policies)[1].procs(), 2);
  EXPECT_EQ((*policies)[11].name(), "ideal gc.percent=200 procs=3");
}

TEST(Grid, DefaultIsOnePolicy) {
  const auto policies = ParseGrid("g", "");
  ASSERT_TRUE(policies.ok());
  ASSERT_EQ(policies->size(), 1u);
  EXPECT_EQ((*policies)[0].name(), "go1.10");
}

TEST(Grid, Wrong) {
  const auto message = [](const char* text) {
    return std::string(ParseGrid("g", text).status().message());
  };
  EXPECT_NE(message("axis {\n  pth: 'x' }").find("g:2:"), std::string::npos);
  EXPECT_NE(message("policy: 'go9'").find("go1.10"), std::string::npos);
  EXPECT_NE(message("axis { path: 'procs' }").find("g: axis 1: value is empty"), std::string::npos);
  EXPECT_NE(message("axis { path: 'gc.percnt' value: '5' }").find("gc.percent"), std::string::npos);
  EXPECT_NE(message("axis { path: 'procs' value: '0' }").find("procs cannot be '0'"),
            std::string::npos);
  std::string huge;
  for (int axis = 0; axis < 5; ++axis) {
    huge += "axis { path: 'procs' value: ['1','2','3','4','5','6','7','8'] }";
  }
  EXPECT_NE(message(huge.c_str()).find("axis 5: more than 10000"), std::string::npos);
}

}  // namespace
}  // namespace heapsim::sim
