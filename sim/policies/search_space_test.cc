#include "sim/policies/search_space.h"

#include <string>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

proto::SearchRange Range(const char* path, int64_t min, int64_t max, bool log_scale = false) {
  proto::SearchRange range;
  range.set_path(path);
  range.set_min(min);
  range.set_max(max);
  range.set_log_scale(log_scale);
  return range;
}

TEST(SearchSpace, PointsAndValues) {
  const auto space = SearchSpace::Create("g",
                                         {Range("gc.percent", 10, 1000, true), Range("procs", 1, 9),
                                          Range("growth_chunk_bytes", 65536, 1 << 24)},
                                         proto::Policy());
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->dimensions(), 3u);
  EXPECT_EQ(space->ValuesAt({0, 0, 0}), (std::vector<int64_t>{10, 1, 65536}));
  EXPECT_EQ(space->ValuesAt({1, 1, 1}), (std::vector<int64_t>{1000, 9, 1 << 24}));
  EXPECT_EQ(space->ValuesAt({0.5, 0.5, 0.5}), (std::vector<int64_t>{100, 5, 1 << 20}));
  EXPECT_EQ(space->ValuesAt({-1, 2, 0.49}), (std::vector<int64_t>{10, 9, 1 << 20}));
  // The defaults: 100, 4 and 1 MiB.
  const std::vector<double> point = space->PointOf(proto::Policy());
  EXPECT_NEAR(point[0], 0.5, 1e-12);
  EXPECT_EQ(point[1], 0.375);
  EXPECT_EQ(point[2], 0.5);
  EXPECT_EQ(space->ValuesAt(point), (std::vector<int64_t>{100, 4, 1 << 20}));

  proto::Policy base;
  base.set_name("base");
  const auto policy = space->With(base, {57, 2, 1 << 21});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->name(), "base gc.percent=57 procs=2 growth_chunk_bytes=2097152");
  EXPECT_EQ(policy->gc().percent(), 57);
  EXPECT_EQ(policy->growth_chunk_bytes(), 1 << 21);
}

TEST(SearchSpace, EveryPointIsItsValues) {
  const auto space =
      SearchSpace::Create("g", {Range("gc.percent", 20, 400, true)}, proto::Policy());
  ASSERT_TRUE(space.ok());
  for (int64_t value = 20; value <= 400; ++value) {
    const auto policy = space->With(proto::Policy(), {value});
    EXPECT_EQ(space->ValuesAt(space->PointOf(*policy))[0], value);
  }
}

TEST(SearchSpace, Wrong) {
  const auto message = [](const proto::SearchRange& range) {
    return std::string(SearchSpace::Create("g", {range}, proto::Policy()).status().message());
  };
  EXPECT_NE(message(Range("gc.percnt", 1, 2)).find("g: search 1: no setting is called 'gc.percnt'"),
            std::string::npos);
  EXPECT_NE(message(Range("reclaim", 1, 2)).find("is no number"), std::string::npos);
  EXPECT_NE(message(Range("reclaim", 1, 2)).find("gc.percent"), std::string::npos);
  EXPECT_NE(message(Range("procs", 4, 4)).find("the range of 'procs' is empty"), std::string::npos);
  EXPECT_NE(message(Range("procs", 0, 4)).find("procs cannot be '0'; it takes"), std::string::npos);
  EXPECT_NE(message(Range("procs", 1, 5000)).find("from 1 to 1024"), std::string::npos);
  EXPECT_NE(message(Range("growth_chunk_bytes", 65537, 1 << 20)).find("power of two"),
            std::string::npos);
  EXPECT_NE(message(Range("startup_pages", 0, 9, true)).find("at least 1"), std::string::npos);
  proto::SearchRange open = Range("procs", 1, 2);
  open.clear_max();
  EXPECT_NE(message(open).find("give min and max"), std::string::npos);
  const auto twice =
      SearchSpace::Create("g", {Range("procs", 1, 2), Range("procs", 1, 3)}, proto::Policy());
  EXPECT_NE(twice.status().message().find("search 2: 'procs' has a range already"),
            std::string::npos);
}

}  // namespace
}  // namespace heapsim::sim
