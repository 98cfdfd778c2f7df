#include "analysis/html/report.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "analysis/html/page_files.h"
#include "analysis/html/report_data.h"
#include "analysis/json.h"

namespace heapsim::analysis {
namespace {

std::string EscapedHtml(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// JSON that may stand in a script element: nothing in it can end the element, since "<" only occurs
// inside of strings, where the escape says the same.
std::string ScriptJson(const nlohmann::ordered_json& json) {
  return absl::StrReplaceAll(JsonText(json, -1),
                             {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

std::string Page(const std::string& title, const nlohmann::ordered_json& data) {
  const std::vector<std::pair<absl::string_view, std::string>> fillings = {
      {"@TITLE@", EscapedHtml(title)}, {"@ANSWER@", EscapedHtml(JsonText(data["answer"], -1))},
      {"@STYLES@", PageStyles()},      {"@SCRIPTS@", PageScripts()},
      {"@DATA@", ScriptJson(data)},
  };
  // In one pass: what was filled in is not looked at again.
  return absl::StrReplaceAll(PageFile("page.html"), fillings);
}

}  // namespace

std::string HtmlReport(const proto::Result& result, const std::string& trace) {
  return Page(absl::StrCat(trace, ", ", result.policy().name()), ReportData(result, trace));
}

std::string HtmlReport(const proto::Comparison& comparison) {
  return Page("comparison of policies", ReportData(comparison));
}

}  // namespace heapsim::analysis
