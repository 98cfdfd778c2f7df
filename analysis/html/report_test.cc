#include "analysis/html/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analysis/html/report_data.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The data as a browser takes it from the page: up to the first end of the script element.
nlohmann::json DataIn(const std::string& page) {
  const absl::string_view begin = "id=\"data\">";
  const size_t at = page.find(std::string(begin)) + begin.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script", at) - at));
}

size_t Count(absl::string_view text, absl::string_view what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != absl::string_view::npos; ++at) ++count;
  return count;
}

TEST(Report, NamesOfATraceCannotLeaveTheirPlace) {
  for (const char* name :
       {"</script><script>alert(1)</script>", "<!--<script>", "<img src=x onerror=alert(1)>",
        "@DATA@ @SCRIPTS@", "\xff\xfe no UTF-8", "\"quoted\" & 'so'"}) {
    proto::Result result;
    result.mutable_policy()->set_name(name);
    result.add_assumptions(name);
    const std::string plain = HtmlReport(proto::Result(), "trace");
    const std::string page = HtmlReport(result, name);
    EXPECT_EQ(Count(page, "<script"), Count(plain, "<script")) << name;
    EXPECT_EQ(Count(page, "</script"), Count(plain, "</script")) << name;
    EXPECT_THAT(page, Not(HasSubstr("<img src=x"))) << name;
    const nlohmann::json data = DataIn(page);
    if (absl::string_view(name)[0] == '\xff') continue;
    EXPECT_EQ(data["runs"][0]["assumptions"][0], name);
    EXPECT_EQ(data["runs"][0]["trace"], name);
  }
}

TEST(Report, LoadsNothing) {
  const std::string page = HtmlReport(proto::Result(), "trace");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* loads : {"src=\"", "<link rel=\"stylesheet", "@import", "url(http"}) {
    EXPECT_THAT(page, Not(HasSubstr(loads)));
  }
  EXPECT_THAT(page, Not(HasSubstr("@DATA@")));
  EXPECT_THAT(page, HasSubstr("uPlot"));
}

TEST(Report, ARunWithoutAnythingIsAPage) {
  const nlohmann::json data = DataIn(HtmlReport(proto::Result(), ""));
  EXPECT_EQ(data["runs"][0]["series"]["count"], 0);
  EXPECT_EQ(data["runs"][0]["metrics"]["fragmentation.mean_rss_over_live"], nullptr);
  EXPECT_FALSE(data["answer"].get<std::string>().empty());
  EXPECT_EQ(DataIn(HtmlReport(proto::Comparison()))["runs"].size(), 0u);
}

TEST(Report, HoldsTheSeriesAndWhatDecidedIt) {
  proto::Result result;
  result.mutable_parts();
  for (int i = 1; i <= 3; ++i) {
    proto::Sample* sample = result.add_series();
    sample->set_event(i);
    sample->set_rss_bytes(4096);
    sample->mutable_parts()->set_dead_bytes(10 * i);
  }
  result.mutable_policy()->mutable_gc()->set_percent(300);
  const nlohmann::json run = DataIn(HtmlReport(result, "t"))["runs"][0];
  EXPECT_EQ(run["series"]["count"], 3);
  EXPECT_EQ(run["series"]["columns"]["rss_bytes"], 4096);
  EXPECT_TRUE(run["series"]["columns"]["event"].is_string());
  EXPECT_TRUE(run["series"]["columns"]["dead_bytes"].is_string());
  bool found = false;
  for (const auto& row : run["settings"]) {
    if (row[0] != "gc.percent") continue;
    found = true;
    EXPECT_EQ(row[1], "300");
    EXPECT_EQ(row[2], "percent");
    EXPECT_THAT(row[3].get<std::string>(), HasSubstr("GOGC"));
  }
  EXPECT_TRUE(found);
}

TEST(Report, AFailedCellKeepsItsReason) {
  proto::Comparison comparison;
  proto::Cell* cell = comparison.add_cells();
  cell->set_trace("a");
  cell->set_policy("p");
  cell->set_status("damaged at offset 12");
  const nlohmann::json run = DataIn(HtmlReport(comparison))["runs"][0];
  EXPECT_EQ(run["status"], "damaged at offset 12");
  EXPECT_FALSE(run.contains("series"));
}

TEST(Report, TheDarkColoursAreTheSameTwice) {
  const std::string page = HtmlReport(proto::Result(), "t");
  const auto block = [&](const std::string& head) {
    const size_t at = page.find(head);
    EXPECT_NE(at, std::string::npos) << head;
    std::string text = page.substr(at + head.size(), page.find('}', at) - at - head.size());
    text.erase(
        std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }),
        text.end());
    return text;
  };
  EXPECT_EQ(block(":root[data-theme=\"dark\"] {"),
            block(":root:not([data-theme=\"light\"], [data-theme=\"dark\"]) {"));
}

}  // namespace
}  // namespace heapsim::analysis
