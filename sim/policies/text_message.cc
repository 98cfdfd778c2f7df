#include "sim/policies/text_message.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "sim/policies/nearest_names.h"

namespace heapsim::sim {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// Keeps the first error, with its place.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!message_.empty()) return;
    place_ = absl::StrCat(line + 1, ":", column + 1);
    message_ = message;
  }
  const std::string& place() const { return place_; }
  const std::string& message() const { return message_; }

 private:
  std::string place_;
  std::string message_;
};

// Every type of message below `type`, itself included.
void AllTypes(const Descriptor* type, std::vector<const Descriptor*>* types) {
  for (const Descriptor* known : *types) {
    if (known == type) return;
  }
  types->push_back(type);
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->message_type() != nullptr) AllTypes(type->field(i)->message_type(), types);
  }
}

// What a name that the parser did not know could have been; empty where that is not the error. The
// parser's text quotes the type and the field, or the value and the field.
std::string Accepted(const std::string& message, const Descriptor* root) {
  const std::vector<std::string> quoted = absl::StrSplit(message, '"');
  if (quoted.size() < 4) return "";
  std::vector<const Descriptor*> types;
  AllTypes(root, &types);
  for (const Descriptor* type : types) {
    if (type->full_name() == quoted[1]) {
      std::vector<std::string> names;
      for (int i = 0; i < type->field_count(); ++i) names.push_back(type->field(i)->name());
      return absl::StrCat("; did you mean ", NearestNames(quoted[3], names), "?");
    }
  }
  for (const Descriptor* type : types) {
    const FieldDescriptor* field = type->FindFieldByName(quoted[3]);
    if (field == nullptr || field->enum_type() == nullptr) continue;
    const EnumDescriptor* choices = field->enum_type();
    std::vector<std::string> names;
    for (int i = 0; i < choices->value_count(); ++i) names.push_back(choices->value(i)->name());
    return absl::StrCat("; it takes one of ", absl::StrJoin(names, ", "));
  }
  return "";
}

}  // namespace

absl::Status ParseTextMessage(absl::string_view source, absl::string_view text,
                              absl::string_view hint, google::protobuf::Message* message,
                              google::protobuf::TextFormat::ParseInfoTree* places) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (places != nullptr) parser.WriteLocationsTo(places);
  if (parser.ParseFromString(std::string(text), message)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(source, ":", error.place(), ": ", error.message(),
                   Accepted(error.message(), message->GetDescriptor()), " (", hint, ")"));
}

}  // namespace heapsim::sim
