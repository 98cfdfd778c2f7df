#include "analysis/html/explanations.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "absl/strings/match.h"
#include "analysis/metrics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using ::testing::Contains;

std::set<std::string> Names() {
  std::set<std::string> names;
  for (const Explanation& row : Explanations()) names.insert(row.name);
  return names;
}

TEST(Explanations, ReadsRowsUnderTheirHeadings) {
  const auto rows = ParseExplanations(
      "## `os`: calls\n| field | unit | meaning | beware |\n| --- | --- | --- | --- |\n"
      "| `os.x` | count | calls of `x` | |\n| no name | | | |\n## More\n| `y` | | why | not |\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "os.x");
  EXPECT_EQ(rows[0].section, "os: calls");
  EXPECT_EQ(rows[0].unit, "count");
  EXPECT_EQ(rows[0].meaning, "calls of `x`");
  EXPECT_EQ(rows[0].beware, "");
  EXPECT_EQ(rows[1].section, "More");
  EXPECT_EQ(rows[1].beware, "not");
}

TEST(Explanations, EveryMetricHasOne) {
  const std::set<std::string> names = Names();
  for (const std::string& metric : MetricNames()) EXPECT_THAT(names, Contains(metric));
}

// The names that the scripts write out; those they make up from parts are checked as the page runs.
TEST(Explanations, EveryNumberOfThePageHasOne) {
  const std::set<std::string> names = Names();
  const std::regex quoted(
      R"re("((?:memory|trace|fragmentation|os|gc|heap|parts|series|detail|summary)\.[a-z_.]+)")re");
  size_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator("analysis/html/script")) {
    std::ifstream stream(file.path());
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at, ++found) {
      // One that ends in a dot is the beginning of several.
      const std::string name = (*at)[1].str();
      const auto found_name = names.lower_bound(name);
      const bool begins =
          name.back() == '.' && found_name != names.end() && absl::StartsWith(*found_name, name);
      EXPECT_TRUE(begins || names.count(name) != 0) << name << " in " << file.path();
    }
  }
  EXPECT_GT(found, 15u);
}

}  // namespace
}  // namespace heapsim::analysis
