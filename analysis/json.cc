#include "analysis/json.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "proto/choice_name.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

ordered_json Number(double value) {
  // JSON knows neither infinity nor NaN.
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json SingularValue(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->GetInt64(message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      if (field->options().GetExtension(proto::hex)) {
        return absl::StrCat(absl::Hex(reflection->GetUInt64(message, field), absl::kZeroPad16));
      }
      return reflection->GetUInt64(message, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(reflection->GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Number(reflection->GetFloat(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return proto::ChoiceName(reflection->GetEnum(message, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(reflection->GetMessage(message, field));
  }
  return nullptr;
}

ordered_json RepeatedValue(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetRepeatedInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->GetRepeatedInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetRepeatedUInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->GetRepeatedUInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(reflection->GetRepeatedDouble(message, field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Number(reflection->GetRepeatedFloat(message, field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetRepeatedBool(message, field, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return proto::ChoiceName(reflection->GetRepeatedEnum(message, field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetRepeatedString(message, field, index);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(reflection->GetRepeatedMessage(message, field, index));
  }
  return nullptr;
}

// A policy's message shows the defaults of a part that nobody set: they are in force. A result's
// part that is absent is unknown.
bool HasDefaults(const FieldDescriptor* field) {
  return field->file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO2;
}

void AddFields(const Message& message, bool all, ordered_json* out) {
  const Reflection* reflection = message.GetReflection();
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!all && field->options().GetExtension(proto::on_demand)) continue;
    if (field->is_repeated()) {
      ordered_json& array = (*out)[field->name()] = ordered_json::array();
      for (int j = 0; j < reflection->FieldSize(message, field); ++j) {
        array.push_back(RepeatedValue(message, field, j));
      }
      continue;
    }
    const bool absent =
        field->has_presence() && !HasDefaults(field) && !reflection->HasField(message, field);
    if (field->options().GetExtension(proto::flat)) {
      AddFields(reflection->GetMessage(message, field), all, out);
      if (!absent) continue;
      for (int j = 0; j < field->message_type()->field_count(); ++j) {
        (*out)[field->message_type()->field(j)->name()] = nullptr;
      }
      continue;
    }
    (*out)[field->name()] = absent ? ordered_json(nullptr) : SingularValue(message, field);
  }
}

}  // namespace

ordered_json ToJson(const Message& message) {
  ordered_json out = ordered_json::object();
  AddFields(message, /*all=*/false, &out);
  return out;
}

ordered_json ToJsonWithDetail(const proto::Result& result) {
  ordered_json out = ordered_json::object();
  AddFields(result, /*all=*/true, &out);
  return out;
}

std::string JsonText(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

namespace {

std::string RowByRow(const ordered_json& json) {
  std::string text = "{";
  const char* separator = "\n";
  for (const auto& [key, value] : json.items()) {
    absl::StrAppend(&text, separator, JsonText(key, -1), ": ");
    separator = ",\n";
    const bool rows = value.is_array() && !value.empty() && value.front().is_object();
    if (!rows) {
      text += JsonText(value, -1);
      continue;
    }
    const char* between = "[\n";
    for (const ordered_json& row : value) {
      absl::StrAppend(&text, between, JsonText(row, -1));
      between = ",\n";
    }
    text += ']';
  }
  text += "\n}\n";
  return text;
}

}  // namespace

std::string ResultJson(const proto::Result& result) { return RowByRow(ToJson(result)); }

std::string ResultJsonWithDetail(const proto::Result& result) {
  return RowByRow(ToJsonWithDetail(result));
}

}  // namespace heapsim::analysis
