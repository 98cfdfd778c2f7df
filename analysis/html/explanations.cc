#include "analysis/html/explanations.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analysis/html/page_files.h"

namespace heapsim::analysis {

std::vector<Explanation> ParseExplanations(absl::string_view markdown) {
  std::vector<Explanation> rows;
  std::string section;
  for (absl::string_view line : absl::StrSplit(markdown, '\n')) {
    if (absl::ConsumePrefix(&line, "## ") || absl::ConsumePrefix(&line, "### ")) {
      section = absl::StrReplaceAll(line, {{"`", ""}});
      continue;
    }
    if (!absl::StartsWith(line, "| `")) continue;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '|');
    if (cells.size() != 6) continue;
    const auto cell = [&](size_t i) { return std::string(absl::StripAsciiWhitespace(cells[i])); };
    rows.push_back({absl::StrReplaceAll(cell(1), {{"`", ""}}), section, cell(2), cell(3), cell(4)});
  }
  return rows;
}

const std::vector<Explanation>& Explanations() {
  static const auto& rows =
      *new std::vector<Explanation>(ParseExplanations(PageFile("metrics.md")));
  return rows;
}

}  // namespace heapsim::analysis
