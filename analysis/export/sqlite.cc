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
  Table(Database* db, const std::string& name, const std::vector<Column>& columns) : db_(db) {
    std::vector<std::string> definitions, marks;
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
    // SQLite knows no unsigned numbers; what is beyond (a trigger that is never reached) is the
    // largest that it knows.
    const uint64_t largest = static_cast<uint64_t>(INT64_MAX);
    sqlite3_bind_int64(insert_, ++column_, static_cast<int64_t>(value < largest ? value : largest));
  }
  void Add(double value) { sqlite3_bind_double(insert_, ++column_, value); }
  void Add(const std::string& value) {
    sqlite3_bind_text(insert_, ++column_, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
  }
  void AddNull() { sqlite3_bind_null(insert_, ++column_); }
  void EndRow() {
    if (sqlite3_step(insert_) != SQLITE_DONE) db_->Fail();
    sqlite3_reset(insert_);
    column_ = 0;
  }

 private:
  Database* db_;
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

void AddValues(const Message& message, Table* table) {
  const Reflection* reflection = message.GetReflection();
  const Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) continue;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (IsFlat(field)) AddValues(reflection->GetMessage(message, field), table);
        break;
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
      default:
        table->Add(reflection->GetUInt64(message, field));
    }
  }
}

template <typename Rows>
void FillTable(Database* db, const std::string& name, const Descriptor* type, const Rows& rows) {
  std::vector<Column> columns;
  AddColumns(type, &columns);
  Table table(db, name, columns);
  for (const auto& row : rows) {
    AddValues(row, &table);
    table.EndRow();
  }
}

void AddRun(Database* db, const proto::Result& result) {
  Table run(db, "run", {{"key", "TEXT"}, {"value", "TEXT"}});
  const auto add = [&](const char* key, const std::string& value) {
    run.Add(std::string(key));
    run.Add(value);
    run.EndRow();
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

void AddMetrics(Database* db, const proto::Result& result) {
  Table table(db, "result", {{"metric", "TEXT"}, {"value", "NUMERIC"}});
  for (const Metric& metric : MetricsOf(result)) {
    table.Add(metric.name);
    if (metric.value.has_value()) {
      table.Add(*metric.value);
    } else {
      table.AddNull();
    }
    table.EndRow();
  }
}

void AddSnapshots(Database* db, const proto::Detail& detail) {
  std::vector<Column> columns = {{"number", "INTEGER"}}, classes = {{"snapshot", "INTEGER"}},
                      sites = classes;
  AddColumns(proto::HeapSnapshot::descriptor(), &columns);
  AddColumns(proto::SizeClassUse::descriptor(), &classes);
  AddColumns(proto::SiteUse::descriptor(), &sites);
  Table table(db, "snapshots", columns);
  Table class_table(db, "size_classes", classes);
  Table site_table(db, "sites", sites);
  uint64_t number = 0;
  for (const proto::HeapSnapshot& snapshot : detail.snapshots()) {
    table.Add(++number);
    AddValues(snapshot, &table);
    table.EndRow();
    for (const proto::SizeClassUse& use : snapshot.size_classes()) {
      class_table.Add(number);
      AddValues(use, &class_table);
      class_table.EndRow();
    }
    for (const proto::SiteUse& use : snapshot.sites()) {
      site_table.Add(number);
      AddValues(use, &site_table);
      site_table.EndRow();
    }
  }
}

void AddCallSites(Database* db, const proto::Detail& detail) {
  std::vector<Column> columns = {{"frames", "TEXT"}};
  AddColumns(proto::CallSite::descriptor(), &columns);
  Table table(db, "call_sites", columns);
  for (const proto::CallSite& site : detail.call_sites()) {
    table.Add(absl::StrJoin(site.frames(), "\n"));
    AddValues(site, &table);
    table.EndRow();
  }
}

}  // namespace

std::string SqliteFile(const proto::Result& result) {
  Database db;
  AddRun(&db, result);
  AddMetrics(&db, result);
  FillTable(&db, "series", proto::Sample::descriptor(), result.series());
  AddSnapshots(&db, result.detail());
  AddCallSites(&db, result.detail());
  FillTable(&db, "marks", proto::Mark::descriptor(), result.detail().marks());
  return db.Bytes();
}

}  // namespace heapsim::analysis
