#include "analysis/comparison_output.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analysis/comparison.h"
#include "analysis/json.h"
#include "analysis/metrics.h"
#include "analysis/summary.h"
#include "nlohmann/json.hpp"

namespace heapsim::analysis {
namespace {

// Rows of cells as columns: the first to the left, the others to the right.
class Columns {
 public:
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string Text() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (const auto& row : rows_) {
      std::string line = "  ";
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string space(widths[i] - row[i].size(), ' ');
        absl::StrAppend(&line, i == 0 ? "" : "  ", i == 0 ? row[i] : space,
                        i == 0 ? space : row[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(&out, line, "\n");
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

// As people read the values of a criterion.
std::string ValueText(absl::string_view metric, double value) {
  if (absl::EndsWith(metric, "_bytes")) return HumanBytes(value);
  if (absl::EndsWith(metric, "_ns")) return absl::StrFormat("%.3f ms", value / 1e6);
  if (absl::EndsWith(metric, "_live")) return absl::StrFormat("%.3f", value);
  return WithCommas(static_cast<uint64_t>(std::llround(value)));
}

std::string TraceTable(const CellTable& table, const std::string& trace) {
  Columns columns;
  std::vector<std::string> head = {"policy"};
  for (const Criterion& criterion : Criteria()) {
    head.push_back(criterion.heading);
    head.push_back("ratio");
  }
  columns.Add(head);
  for (const std::string& policy : table.policies()) {
    std::vector<std::string> row = {policy};
    for (size_t i = 0; i < Criteria().size(); ++i) {
      const std::optional<double> value = table.Value(trace, policy, i);
      row.push_back(value.has_value() ? ValueText(Criteria()[i].metric, *value) : "-");
      const std::optional<double> ratio = table.Ratio(trace, policy, i);
      row.push_back(ratio.has_value() ? absl::StrFormat("%.3f", *ratio) : "-");
    }
    columns.Add(row);
  }
  return absl::StrCat(trace, "\n", columns.Text(), "\n");
}

std::string RatioText(const proto::Ratio& ratio) {
  return absl::StrFormat("%.3f [%.3f, %.3f]", ratio.value(), ratio.low(), ratio.high());
}

std::string SummaryTable(const proto::Comparison& comparison, size_t traces) {
  Columns columns;
  std::vector<std::string> head = {"policy", "traces"};
  for (const Criterion& criterion : Criteria()) head.push_back(criterion.heading);
  head.insert(head.end(), {"worst peak", "front", "worst trace"});
  columns.Add(head);
  for (const proto::PolicySummary& summary : comparison.summary()) {
    std::vector<std::string> row = {summary.policy(), absl::StrCat(summary.traces())};
    for (const Criterion& criterion : Criteria()) {
      row.push_back((summary.*criterion.has)() ? RatioText((summary.*criterion.get)()) : "-");
    }
    row.push_back(
        summary.has_worst_trace() ? absl::StrFormat("%.3f", summary.worst_peak_rss_ratio()) : "-");
    row.push_back(summary.pareto() ? "*" : summary.pareto_of_allocators() ? "+" : "");
    row.push_back(summary.worst_trace());
    columns.Add(row);
  }
  return absl::StrCat(
      "Over ", traces, traces == 1 ? " trace" : " traces",
      ": geometric means of the ratios to the first policy, with the 95 % interval of a bootstrap "
      "over the traces\n",
      columns.Text(),
      "* nobody has both less peak RSS and less total cost; + nobody but a lower bound\n");
}

// A line of the search's table; the objective is 1 for the first policy.
std::vector<std::string> SearchRow(const char* part, int traces, bool known, double objective,
                                   const proto::PolicySummary& summary) {
  std::vector<std::string> row = {part, absl::StrCat(traces),
                                  known ? absl::StrFormat("%.4f", objective) : "-"};
  for (const Criterion& criterion : Criteria()) {
    row.push_back((summary.*criterion.has)() ? RatioText((summary.*criterion.get)()) : "-");
  }
  return row;
}

std::string SearchText(const proto::Search& search) {
  std::string out = absl::StrCat("\nSearch for less ", search.metric());
  if (search.cost_weight() != 0) absl::StrAppend(&out, " x cost.total_ns^", search.cost_weight());
  if (search.has_max_cost_ratio()) {
    absl::StrAppend(&out, ", with a total cost of at most ", search.max_cost_ratio(),
                    " of the first");
  }
  absl::StrAppend(&out, ": ", search.points_size(), " settings tried by seed ", search.seed(),
                  "\nBest: ", search.best(), "\n");
  Columns columns;
  std::vector<std::string> head = {"part", "traces", "objective"};
  for (const Criterion& criterion : Criteria()) head.push_back(criterion.heading);
  columns.Add(head);
  columns.Add(SearchRow("searched", search.searched_traces_size(), search.has_searched_objective(),
                        search.searched_objective(), search.searched()));
  columns.Add(SearchRow("held back", search.held_back_traces_size(),
                        search.has_held_back_objective(), search.held_back_objective(),
                        search.held_back()));
  absl::StrAppend(&out, columns.Text());
  if (!search.has_searched_objective() || search.searched_objective() >= 1) {
    out += "Nothing better than the first policy was found.\n";
  } else if (search.has_held_back_objective() && search.held_back_objective() < 1) {
    const proto::Ratio* const ratio = search.cost_weight() == 0 && search.held_back().traces() > 1
                                          ? RatioIn(search.held_back(), search.metric())
                                          : nullptr;
    if (ratio == nullptr) {
      out += "The traces held back gain, too; how surely is not known.\n";
    } else if (ratio->high() < 1) {
      out += "The gain is there on the traces held back, too.\n";
    } else {
      out += "The traces held back gain, too, but not surely: the interval holds 1.\n";
    }
  } else {
    out +=
        "The gain is not there on the traces held back: it is one of the searched traces only.\n";
  }
  return out;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string ComparisonTable(const proto::Comparison& comparison) {
  const CellTable table(comparison);
  std::string out;
  for (const std::string& trace : table.traces()) out += TraceTable(table, trace);
  out += SummaryTable(comparison, table.traces().size());
  if (comparison.has_search()) out += SearchText(comparison.search());
  std::string failed;
  int count = 0;
  for (const proto::Cell& cell : comparison.cells()) {
    if (cell.status() == kCellOk) continue;
    ++count;
    absl::StrAppend(&failed, "  ", cell.trace(), ", ", cell.policy(), ", seed ", cell.seed(), ": ",
                    cell.status(), "\n");
  }
  if (count > 0) {
    absl::StrAppend(&out, "\nFailed: ", count, " of ", comparison.cells_size(), " cells\n", failed);
  }
  return out;
}

std::string ComparisonCsv(const proto::Comparison& comparison) {
  const std::vector<std::string> names = MetricNames();
  std::string out = absl::StrCat("trace,policy,seed,status,", absl::StrJoin(names, ","), "\n");
  for (const proto::Cell& cell : comparison.cells()) {
    absl::StrAppend(&out, CsvField(cell.trace()), ",", CsvField(cell.policy()), ",", cell.seed(),
                    ",", CsvField(cell.status()));
    // As JSON writes them: whole numbers whole, others with as many digits as they need.
    const nlohmann::ordered_json json =
        cell.has_result() ? ToJson(cell.result()) : nlohmann::ordered_json::object();
    for (const std::string& name : names) {
      const nlohmann::ordered_json::json_pointer at(
          absl::StrCat("/", absl::StrReplaceAll(name, {{".", "/"}})));
      const bool known = json.contains(at) && !json.at(at).is_null();
      absl::StrAppend(&out, ",", known ? JsonText(json.at(at), -1) : "");
    }
    out += '\n';
  }
  return out;
}

std::string ComparisonJson(const proto::Comparison& comparison) {
  const auto list = [](const nlohmann::ordered_json& rows) {
    std::vector<std::string> lines;
    for (const nlohmann::ordered_json& row : rows) lines.push_back(JsonText(row, -1));
    return absl::StrJoin(lines, ",\n");
  };
  // The series would be most of the work, and is not wanted.
  proto::Comparison without = comparison;
  for (proto::Cell& cell : *without.mutable_cells()) {
    if (cell.has_result()) cell.mutable_result()->clear_series();
  }
  nlohmann::ordered_json json = ToJson(without);
  for (nlohmann::ordered_json& cell : json["cells"]) {
    if (cell["result"].is_object()) cell["result"].erase("series");
  }
  const std::string search =
      comparison.has_search() ? absl::StrCat(",\n\"search\": ", JsonText(json["search"], -1)) : "";
  return absl::StrCat("{\n\"version\": ", JsonText(json["version"], -1),
                      ",\n\"complete\": ", JsonText(json["complete"], -1), ",\n\"cells\": [\n",
                      list(json["cells"]), "],\n\"summary\": [\n", list(json["summary"]), "]",
                      search, "\n}\n");
}

}  // namespace heapsim::analysis
