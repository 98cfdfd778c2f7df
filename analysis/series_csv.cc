#include "analysis/series_csv.h"

#include "absl/strings/str_cat.h"
#include "analysis/json.h"

namespace heapsim::analysis {

std::string SeriesCsv(const proto::Result& result) {
  std::string text;
  const char* separator = "";
  const nlohmann::ordered_json columns = ToJson(proto::Sample());
  for (const auto& column : columns.items()) {
    absl::StrAppend(&text, separator, column.key());
    separator = ",";
  }
  text += '\n';
  for (const proto::Sample& sample : result.series()) {
    separator = "";
    const nlohmann::ordered_json row = ToJson(sample);
    for (const nlohmann::ordered_json& value : row) {
      text += separator;
      if (!value.is_null()) text += value.dump();
      separator = ",";
    }
    text += '\n';
  }
  return text;
}

}  // namespace heapsim::analysis
