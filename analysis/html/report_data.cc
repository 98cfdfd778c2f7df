#include "analysis/html/report_data.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analysis/comparison.h"
#include "analysis/html/answer.h"
#include "analysis/html/bounds.h"
#include "analysis/html/detail_data.h"
#include "analysis/html/explanations.h"
#include "analysis/html/packed_column.h"
#include "analysis/html/settings_list.h"
#include "analysis/html/thinning.h"
#include "analysis/json.h"
#include "analysis/metrics.h"
#include "google/protobuf/descriptor.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

// A column for each whole number of a sample, its parts included, by the name of its field.
void AddColumns(const proto::Result& result, const std::vector<int>& samples, ordered_json* out) {
  const auto add = [&](const Descriptor* type, const auto& message_of) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_UINT64) continue;
      std::vector<uint64_t> values;
      values.reserve(samples.size());
      for (const int at : samples) {
        const Message& message = message_of(result.series(at));
        values.push_back(message.GetReflection()->GetUInt64(message, field));
      }
      (*out)[field->name()] = PackedColumn(values);
    }
  };
  add(proto::Sample::descriptor(), [](const proto::Sample& s) -> const Message& { return s; });
  if (!result.has_parts()) return;
  add(proto::Parts::descriptor(),
      [](const proto::Sample& s) -> const Message& { return s.parts(); });
}

ordered_json SeriesData(const proto::Result& result, size_t limit) {
  const std::vector<int> samples = ThinnedSamples(result, limit);
  ordered_json series = {{"count", samples.size()}, {"of", result.series_size()}};
  ordered_json columns = ordered_json::object();
  AddColumns(result, samples, &columns);
  series["columns"] = std::move(columns);
  return series;
}

ordered_json MetricsData(const proto::Result& result) {
  ordered_json metrics = ordered_json::object();
  for (const Metric& metric : MetricsOf(result)) {
    metrics[metric.name] =
        metric.value.has_value() ? ordered_json(*metric.value) : ordered_json(nullptr);
  }
  return metrics;
}

ordered_json RunData(const proto::Result& result, size_t samples, NameTable* names) {
  ordered_json run = {
      {"answer", Answer(result)},
      {"complete", result.complete()},
      {"stopped", result.has_stopped() ? ordered_json(result.stopped()) : ordered_json(nullptr)},
      {"assumptions", result.assumptions()},
      {"version", result.version()},
      {"state_hash", absl::StrCat(absl::Hex(result.state_hash(), absl::kZeroPad16))},
      {"has_parts", result.has_parts()},
      {"format", result.trace().format()},
      {"description", result.policy().description()},
      {"metrics", MetricsData(result)},
      {"settings", SettingsList(result.policy())},
      {"series", SeriesData(result, samples)},
  };
  if (result.has_detail()) run["detail"] = DetailData(result.detail(), names);
  return run;
}

ordered_json ExplanationsData() {
  ordered_json all = ordered_json::object();
  for (const Explanation& row : Explanations()) {
    all[row.name] = {row.section, row.unit, row.meaning, row.beware};
  }
  return all;
}

ordered_json CriteriaData() {
  ordered_json rows = ordered_json::array();
  for (const Criterion& criterion : Criteria()) {
    // The field of PolicySummary that holds the ratio, found by what it is in an example.
    proto::PolicySummary row;
    (row.*criterion.mutate)()->set_value(1);
    std::vector<const FieldDescriptor*> set;
    row.GetReflection()->ListFields(row, &set);
    rows.push_back({criterion.metric, criterion.heading, set.at(0)->name()});
  }
  return rows;
}

}  // namespace

ordered_json ReportData(const proto::Result& result, const std::string& trace) {
  NameTable names;
  ordered_json run = RunData(result, kPageSamples, &names);
  run["trace"] = trace;
  run["policy"] = result.policy().name();
  run["seed"] = result.seed();
  run["status"] = kCellOk;
  return {{"kind", "replay"},
          {"answer", run["answer"]},
          {"version", result.version()},
          {"runs", ordered_json::array({std::move(run)})},
          {"names", names.names()},
          {"summary", ordered_json::array()},
          {"criteria", ordered_json::array()},
          {"explanations", ExplanationsData()}};
}

ordered_json ReportData(const proto::Comparison& comparison) {
  NameTable names;
  ordered_json runs = ordered_json::array();
  const size_t cells = std::max(comparison.cells_size(), 1);
  for (const proto::Cell& cell : comparison.cells()) {
    ordered_json run =
        cell.has_result()
            ? RunData(cell.result(), std::max<size_t>(kPageSamples / cells, 300), &names)
            : ordered_json::object();
    run["trace"] = cell.trace();
    run["policy"] = cell.policy();
    run["seed"] = cell.seed();
    run["status"] = cell.status();
    runs.push_back(std::move(run));
  }
  ordered_json summary = ordered_json::array();
  for (const proto::PolicySummary& row : comparison.summary()) {
    summary.push_back(ToJson(row));
    summary.back()["front"] = row.pareto_of_allocators();
    summary.back()["bound"] = IsBound(comparison, row.policy());
  }
  return {{"kind", "compare"},
          {"answer", Answer(comparison)},
          {"version", comparison.version()},
          {"runs", std::move(runs)},
          {"names", names.names()},
          {"summary", std::move(summary)},
          {"criteria", CriteriaData()},
          {"explanations", ExplanationsData()}};
}

}  // namespace heapsim::analysis
