#include "sim/policies/nearest_names.h"

#include <vector>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

const std::vector<std::string> kMany = {"procs",          "gc.percent",    "gc.bg_sweep_ns",
                                        "objects.scan",   "objects.touch", "os.page_size",
                                        "page_allocator", "tiny"};

TEST(NearestNames, FindsATypo) {
  EXPECT_EQ(NearestNames("proc", kMany).substr(0, 5), "procs");
  EXPECT_EQ(NearestNames("gc.percnet", kMany).substr(0, 10), "gc.percent");
}

TEST(NearestNames, FindsAPathWithoutItsHead) {
  EXPECT_EQ(NearestNames("bg_sweep_ns", kMany).substr(0, 14), "gc.bg_sweep_ns");
}

TEST(NearestNames, ListsAllWhereNothingIsClose) {
  EXPECT_NE(NearestNames("zzzzzzzzzzzz", kMany).find("tiny"), std::string::npos);
}

TEST(NearestNames, ListsAFewWhole) {
  const std::vector<std::string> few = {"go1.10", "ideal"};
  EXPECT_EQ(NearestNames("go", few), "go1.10, ideal");
}

}  // namespace
}  // namespace heapsim::sim
