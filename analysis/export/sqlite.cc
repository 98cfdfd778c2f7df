#include "analysis/export/sqlite.h"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analysis/json.h"
#include "analysis/metrics.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/choice_name.h"
#include "proto/json_options.pb.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// A database in memory. Nothing that it is asked for can fail but for want of memory.
class Database {
 public:
  Database() {
    if (sqlite3_open(":memory:", &db_) != SQLITE_OK) Fail();
    Run("BEGIN");
  }
  ~Database() { sqlite3_close(db_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Run(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) Fail();
  }

  std::string Bytes() {
    Run("COMMIT");
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(db_, "main", &size, 0);
    if (bytes == nullptr) Fail();
    std::string file(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    sqlite3_free(bytes);
    return file;
  }

  [[noreturn]] void Fail() const {
    throw std::runtime_error(absl::StrCat("SQLite: ", sqlite3_errmsg(db_)));
  }
  sqlite3* get() { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

struct Column {
  std::string name;
  const char* type;
};

// A table that is filled row by row.
class Table {
 public:
  // cell: what a first column of that name holds in the row being made; null: there is none.
  Table(Database* db, const std::string& name, const std::vector<Column>& columns,
        const uint64_t* cell)
      : db_(db), cell_(cell) {
    std::vector<std::string> definitions, marks;
    if (cell != nullptr) {
      definitions.emplace_back("cell INTEGER");
      marks.emplace_back("?");
    }
    for (const Column& c : columns) {
      definitions.push_back(absl::StrCat(c.name, " ", c.type));
      marks.push_back("?");
    }
    db->Run(absl::StrCat("CREATE TABLE ", name, "(", absl::StrJoin(definitions, ", "), ")"));
    const std::string sql =
        absl::StrCat("INSERT INTO ", name, " VALUES(", absl::StrJoin(marks, ", "), ")");
    if (sqlite3_prepare_v2(db->get(), sql.c_str(), -1, &insert_, nullptr) != SQLITE_OK) db->Fail();
  }
  ~Table() { sqlite3_finalize(insert_); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // The values of the next row, from left to right.
  void Add(uint64_t value) {
    BeginRow();
    Bind(value);
  }
  void Add(double value) {
    BeginRow();
    sqlite3_bind_double(insert_, ++column_, value);
  }
  void Add(const std::string& value) {
    BeginRow();
    sqlite3_bind_text(insert_, ++column_, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
  }
  void AddNull() {
    BeginRow();
    sqlite3_bind_null(insert_, ++column_);
  }
  void EndRow() {
    if (sqlite3_step(insert_) != SQLITE_DONE) db_->Fail();
    sqlite3_reset(insert_);
    column_ = 0;
  }

 private:
  void BeginRow() {
    if (column_ == 0 && cell_ != nullptr) Bind(*cell_);
  }
  void Bind(uint64_t value) {
    // SQLite knows no unsigned numbers; what is beyond (a trigger that is never reached) is the
    // largest that it knows.
    const uint64_t largest = static_cast<uint64_t>(INT64_MAX);
    sqlite3_bind_int64(insert_, ++column_, static_cast<int64_t>(value < largest ? value : largest));
  }

  Database* db_;
  const uint64_t* cell_;
  sqlite3_stmt* insert_ = nullptr;
  int column_ = 0;
};

bool IsFlat(const FieldDescriptor* field) { return field->options().GetExtension(proto::flat); }

// The columns of a message's single fields.
void AddColumns(const Descriptor* type, std::vector<Column>* columns) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) continue;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (IsFlat(field)) AddColumns(field->message_type(), columns);
      continue;
    }
    const bool text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
                      field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    columns->push_back({field->name(), text ? "TEXT" : "INTEGER"});
  }
}

void AddValue(const Message& message, const FieldDescriptor* field, Table* table) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      table->Add(reflection->GetString(message, field));
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      table->Add(proto::ChoiceName(reflection->GetEnum(message, field)));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      table->Add(uint64_t{reflection->GetUInt32(message, field)});
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      table->Add(uint64_t{reflection->GetBool(message, field)});
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      table->Add(reflection->GetDouble(message, field));
      break;
    default:
      table->Add(reflection->GetUInt64(message, field));
  }
}

void AddValues(const Message& message, Table* table) {
  const Reflection* reflection = message.GetReflection();
  const Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) continue;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      AddValue(message, field, table);
    } else if (IsFlat(field)) {
      AddValues(reflection->GetMessage(message, field), table);
    }
  }
}

std::vector<Column> ColumnsOf(const Descriptor* type, std::vector<Column> first = {}) {
  AddColumns(type, &first);
  return first;
}

// The tables of results.
class ResultTables {
 public:
  // by_cell: each row tells of which cell it is.
  ResultTables(Database* db, bool by_cell)
      : of_cell_(by_cell ? &cell_ : nullptr),
        run_(db, "run", {{"key", "TEXT"}, {"value", "TEXT"}}, of_cell_),
        result_(db, "result", {{"metric", "TEXT"}, {"value", "NUMERIC"}}, of_cell_),
        series_(db, "series", ColumnsOf(proto::Sample::descriptor()), of_cell_),
        snapshots_(db, "snapshots",
                   ColumnsOf(proto::HeapSnapshot::descriptor(), {{"number", "INTEGER"}}), of_cell_),
        size_classes_(db, "size_classes",
                      ColumnsOf(proto::SizeClassUse::descriptor(), {{"snapshot", "INTEGER"}}),
                      of_cell_),
        sites_(db, "sites", ColumnsOf(proto::SiteUse::descriptor(), {{"snapshot", "INTEGER"}}),
               of_cell_),
        call_sites_(db, "call_sites",
                    ColumnsOf(proto::CallSite::descriptor(), {{"frames", "TEXT"}}), of_cell_),
        marks_(db, "marks", ColumnsOf(proto::Mark::descriptor()), of_cell_) {}

  void Add(const proto::Result& result, uint64_t cell = 0) {
    cell_ = cell;
    AddRun(result);
    for (const Metric& metric : MetricsOf(result)) {
      result_.Add(metric.name);
      if (metric.value.has_value()) {
        result_.Add(*metric.value);
      } else {
        result_.AddNull();
      }
      result_.EndRow();
    }
    for (const proto::Sample& sample : result.series()) AddMessage(sample, &series_);
    AddSnapshots(result.detail());
    for (const proto::CallSite& site : result.detail().call_sites()) {
      call_sites_.Add(absl::StrJoin(site.frames(), "\n"));
      AddMessage(site, &call_sites_);
    }
    for (const proto::Mark& mark : result.detail().marks()) AddMessage(mark, &marks_);
  }

 private:
  static void AddMessage(const Message& message, Table* table) {
    AddValues(message, table);
    table->EndRow();
  }

  void AddRun(const proto::Result& result) {
    const auto add = [&](const char* key, const std::string& value) {
      run_.Add(std::string(key));
      run_.Add(value);
      run_.EndRow();
    };
    add("policy", result.policy().name());
    add("settings", JsonText(ToJson(result.policy()), -1));
    add("seed", absl::StrCat(result.seed()));
    add("version", result.version());
    add("complete", result.complete() ? "true" : "false");
    add("state_hash", absl::StrCat(absl::Hex(result.state_hash(), absl::kZeroPad16)));
    add("trace_format", result.trace().format());
    for (const std::string& assumption : result.assumptions()) add("assumption", assumption);
  }

  void AddSnapshots(const proto::Detail& detail) {
    uint64_t number = 0;
    for (const proto::HeapSnapshot& snapshot : detail.snapshots()) {
      snapshots_.Add(++number);
      AddMessage(snapshot, &snapshots_);
      for (const proto::SizeClassUse& use : snapshot.size_classes()) {
        size_classes_.Add(number);
        AddMessage(use, &size_classes_);
      }
      for (const proto::SiteUse& use : snapshot.sites()) {
        sites_.Add(number);
        AddMessage(use, &sites_);
      }
    }
  }

  uint64_t cell_ = 0;
  const uint64_t* of_cell_;  // null: no column for it
  Table run_, result_, series_, snapshots_, size_classes_, sites_, call_sites_, marks_;
};

void AddCells(Database* db, const proto::Comparison& comparison) {
  uint64_t number = 0;
  Table cells(db, "cells",
              {{"trace", "TEXT"}, {"policy", "TEXT"}, {"seed", "INTEGER"}, {"status", "TEXT"}},
              &number);
  for (const proto::Cell& cell : comparison.cells()) {
    ++number;
    cells.Add(cell.trace());
    cells.Add(cell.policy());
    cells.Add(cell.seed());
    cells.Add(cell.status());
    cells.EndRow();
  }
}

bool IsRatio(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

void AddSummary(Database* db, const proto::Comparison& comparison) {
  const Descriptor* type = proto::PolicySummary::descriptor();
  std::vector<Column> columns;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string& name = field->name();
    if (IsRatio(field)) {
      columns.insert(columns.end(),
                     {{name, "REAL"}, {name + "_low", "REAL"}, {name + "_high", "REAL"}});
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      columns.push_back({name, "TEXT"});
    } else {
      columns.push_back(
          {name, field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ? "REAL" : "INTEGER"});
    }
  }
  Table table(db, "summary", columns, nullptr);
  for (const proto::PolicySummary& row : comparison.summary()) {
    const Reflection* reflection = row.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      if (field->has_presence() && !reflection->HasField(row, field)) {
        for (int n = 0; n < (IsRatio(field) ? 3 : 1); ++n) table.AddNull();
      } else if (IsRatio(field)) {
        const auto& ratio = static_cast<const proto::Ratio&>(reflection->GetMessage(row, field));
        for (const double value : {ratio.value(), ratio.low(), ratio.high()}) table.Add(value);
      } else {
        AddValue(row, field, &table);
      }
    }
    table.EndRow();
  }
}

}  // namespace

std::string SqliteFile(const proto::Result& result) {
  Database db;
  {
    ResultTables tables(&db, /*by_cell=*/false);
    tables.Add(result);
  }
  return db.Bytes();
}

std::string SqliteFile(const proto::Comparison& comparison) {
  Database db;
  AddCells(&db, comparison);
  AddSummary(&db, comparison);
  {
    ResultTables tables(&db, /*by_cell=*/true);
    uint64_t number = 0;
    for (const proto::Cell& cell : comparison.cells()) {
      ++number;
      if (cell.has_result()) tables.Add(cell.result(), number);
    }
  }
  return db.Bytes();
}

}  // namespace heapsim::analysis
