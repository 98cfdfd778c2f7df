// docs/metrics.md has a row for every field of a result, and none for a field that is gone.
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analysis/metrics.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void AddFields(const Descriptor* type, const std::string& head, std::set<std::string>* names) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string name = absl::StrCat(head, field->name());
    // The settings have a list of their own (`heapsim policies NAME`); the parts of a sample and of
    // a snapshot are those of the peak.
    const bool flat = field->options().GetExtension(proto::flat);
    const bool whole = name == "policy" || flat;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !whole) {
      AddFields(field->message_type(), absl::StrCat(name, "."), names);
    } else if (!flat) {
      names->insert(name);
    }
  }
}

struct Row {
  std::string name, unit, meaning, beware;
};

std::vector<Row> Rows() {
  std::ifstream file("docs/metrics.md");
  EXPECT_TRUE(file.good());
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "| `")) continue;
    std::vector<std::string> cells;
    for (const absl::string_view cell : absl::StrSplit(line, '|')) {
      cells.emplace_back(absl::StripAsciiWhitespace(cell));
    }
    EXPECT_EQ(cells.size(), 6u) << line;
    if (cells.size() != 6) continue;
    rows.push_back({absl::StrReplaceAll(cells[1], {{"`", ""}}), cells[2], cells[3], cells[4]});
  }
  return rows;
}

TEST(MetricsDoc, HasEveryFieldAndNoOther) {
  std::set<std::string> fields;
  AddFields(proto::Result::descriptor(), "", &fields);
  EXPECT_GT(fields.size(), 90u);
  std::set<std::string> documented;
  for (const Row& row : Rows()) {
    EXPECT_TRUE(documented.insert(row.name).second) << row.name << " has two rows";
    EXPECT_TRUE(fields.count(row.name)) << row.name << " is no field of a result";
    EXPECT_FALSE(row.meaning.empty()) << row.name << " has no meaning";
  }
  for (const std::string& field : fields) {
    EXPECT_TRUE(documented.count(field)) << field << " has no row in docs/metrics.md";
  }
}

TEST(MetricsDoc, EveryMetricHasAUnit) {
  std::set<std::string> with_unit;
  for (const Row& row : Rows()) {
    if (!row.unit.empty()) with_unit.insert(row.name);
  }
  for (const std::string& metric : MetricNames()) {
    EXPECT_TRUE(with_unit.count(metric)) << metric;
  }
}

}  // namespace
}  // namespace heapsim::analysis
