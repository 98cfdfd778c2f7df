#include "sim/policies/settings.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/choice_name.h"
#include "proto/setting.pb.h"
#include "sim/policies/nearest_names.h"

namespace heapsim::sim {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const proto::Setting& OptionsOf(const FieldDescriptor* field) {
  return field->options().GetExtension(proto::setting);
}

std::vector<std::string> ChoiceNames(const EnumDescriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->value_count(); ++i) names.push_back(proto::ChoiceName(type->value(i)));
  return names;
}

// Calls `visit(path, message, field)` for every setting in the order of the message. Sub-messages
// that are not set are visited with their defaults.
using Visitor = std::function<void(const std::string&, const Message&, const FieldDescriptor*)>;
void Visit(const Message& message, const std::string& prefix, const Visitor& visit) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string path = prefix + field->name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated()) {
      Visit(reflection->GetMessage(message, field), path + ".", visit);
    } else if (field->options().HasExtension(proto::setting)) {
      visit(path, message, field);
    }
  }
}

int64_t IntegerValue(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ? reflection->GetInt32(message, field)
                                                             : reflection->GetInt64(message, field);
}

bool IsInteger(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
         field->cpp_type() == FieldDescriptor::CPPTYPE_INT64;
}

// A table: rows of integers, as in "16/1,512/2".
std::string TableText(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  std::string text;
  for (int row = 0; row < reflection->FieldSize(message, field); ++row) {
    const Message& values = reflection->GetRepeatedMessage(message, field, row);
    for (int i = 0; i < values.GetDescriptor()->field_count(); ++i) {
      absl::StrAppend(&text,
                      i > 0     ? "/"
                      : row > 0 ? ","
                                : "",
                      IntegerValue(values, values.GetDescriptor()->field(i)));
    }
  }
  return text;
}

absl::Status SetTable(Message* message, const FieldDescriptor* field, absl::string_view text) {
  const auto* reflection = message->GetReflection();
  reflection->ClearField(message, field);
  if (text.empty()) return absl::OkStatus();
  const auto* row_type = field->message_type();
  for (const absl::string_view row : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(row, '/');
    Message* values = reflection->AddMessage(message, field);
    bool good = static_cast<int>(numbers.size()) == row_type->field_count();
    for (int i = 0; good && i < row_type->field_count(); ++i) {
      int32_t value = 0;
      good = absl::SimpleAtoi(numbers[i], &value) && value > 0;
      values->GetReflection()->SetInt32(values, row_type->field(i), value);
    }
    if (good) continue;
    std::vector<std::string> names;
    for (int i = 0; i < row_type->field_count(); ++i) names.push_back(row_type->field(i)->name());
    return absl::InvalidArgumentError(
        absl::StrCat("rows of ", absl::StrJoin(names, "/"), ", separated by commas"));
  }
  return absl::OkStatus();
}

std::string ValueText(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  if (field->is_repeated()) return TableText(message, field);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return proto::ChoiceName(reflection->GetEnum(message, field));
    default:
      return absl::StrCat(IntegerValue(message, field));
  }
}

// What an integer setting accepts, in words.
std::string RangeText(const FieldDescriptor* field) {
  const proto::Setting& options = OptionsOf(field);
  std::string text = options.power_of_two() ? "a power of two" : "an integer";
  if (options.has_min() && options.has_max()) {
    absl::StrAppend(&text, " from ", options.min(), " to ", options.max());
  } else if (options.has_min()) {
    absl::StrAppend(&text, ", at least ", options.min());
  }
  if (!options.unit().empty()) absl::StrAppend(&text, " (", options.unit(), ")");
  return text;
}

bool InRange(const FieldDescriptor* field, int64_t value) {
  const proto::Setting& options = OptionsOf(field);
  if (options.has_min() && value < options.min()) return false;
  if (options.has_max() && value > options.max()) return false;
  if (options.power_of_two() && (value <= 0 || (value & (value - 1)) != 0)) return false;
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
         (value >= std::numeric_limits<int32_t>::min() &&
          value <= std::numeric_limits<int32_t>::max());
}

bool ParseInteger(absl::string_view text, absl::string_view unit, int64_t* value) {
  if (absl::SimpleAtoi(text, value)) return true;
  if (unit == "ns") {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration)) return false;
    *value = absl::ToInt64Nanoseconds(duration);
    return absl::Nanoseconds(*value) == duration;
  }
  if (unit != "bytes") return false;
  static constexpr std::pair<absl::string_view, int> kUnits[] = {
      {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  for (const auto& [suffix, shift] : kUnits) {
    absl::string_view number = text;
    if (!absl::ConsumeSuffix(&number, suffix)) continue;
    if (!absl::SimpleAtoi(number, value) || *value < 0) return false;
    if (*value > (std::numeric_limits<int64_t>::max() >> shift)) return false;
    *value <<= shift;
    return true;
  }
  return false;
}

// Sets a field from text; the error, if any, says only what would be accepted.
absl::Status SetField(Message* message, const FieldDescriptor* field, absl::string_view text) {
  const auto* reflection = message->GetReflection();
  if (field->is_repeated()) return SetTable(message, field, text);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    if (text != "true" && text != "false") return absl::InvalidArgumentError("true or false");
    reflection->SetBool(message, field, text == "true");
    return absl::OkStatus();
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const EnumDescriptor* type = field->enum_type();
    for (int i = 0; i < type->value_count(); ++i) {
      const EnumValueDescriptor* value = type->value(i);
      if (!absl::EqualsIgnoreCase(text, proto::ChoiceName(value)) && text != value->name())
        continue;
      reflection->SetEnum(message, field, value);
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("one of ", absl::StrJoin(ChoiceNames(type), ", ")));
  }
  int64_t value = 0;
  if (!ParseInteger(text, OptionsOf(field).unit(), &value) || !InRange(field, value)) {
    return absl::InvalidArgumentError(RangeText(field));
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    reflection->SetInt32(message, field, static_cast<int32_t>(value));
  } else {
    reflection->SetInt64(message, field, value);
  }
  return absl::OkStatus();
}

absl::Status UnknownPath(absl::string_view path) {
  std::vector<std::string> paths;
  for (const Setting& setting : ListSettings(proto::Policy())) paths.push_back(setting.path);
  return absl::InvalidArgumentError(absl::StrCat("no setting is called '", path, "'; did you mean ",
                                                 NearestNames(path, paths),
                                                 "? (`heapsim policies NAME` lists all)"));
}

}  // namespace

std::vector<Setting> ListSettings(const proto::Policy& policy) {
  std::vector<Setting> settings;
  Visit(policy, "",
        [&](const std::string& path, const Message& message, const FieldDescriptor* field) {
          const proto::Setting& options = OptionsOf(field);
          Setting setting{path, ValueText(message, field), options.unit(), options.meaning(), {}};
          if (const EnumDescriptor* type = field->enum_type(); type != nullptr) {
            for (int i = 0; i < type->value_count(); ++i) {
              const EnumValueDescriptor* value = type->value(i);
              setting.choices.push_back(
                  {proto::ChoiceName(value), value->options().GetExtension(proto::choice)});
            }
          }
          settings.push_back(std::move(setting));
        });
  return settings;
}

absl::Status ApplySetting(absl::string_view assignment, proto::Policy* policy) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  if (!absl::StrContains(assignment, '=')) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", assignment, "' is no setting; write path=value"));
  }
  const auto [path, text] = parts;
  // The path is resolved on a copy, so that a wrong one leaves no empty sub-messages behind.
  proto::Policy changed = *policy;
  Message* message = &changed;
  const std::vector<absl::string_view> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i < names.size(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(std::string(names[i]));
    if (field == nullptr) return UnknownPath(path);
    if (i + 1 < names.size()) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_repeated()) {
        return UnknownPath(path);
      }
      message = message->GetReflection()->MutableMessage(message, field);
      continue;
    }
    if (!field->options().HasExtension(proto::setting)) return UnknownPath(path);
    if (absl::Status status = SetField(message, field, text); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("setting ", path, " cannot be '", text, "'; it takes ", status.message()));
    }
  }
  *policy = std::move(changed);
  return absl::OkStatus();
}

absl::Status CheckSettings(const proto::Policy& policy) {
  absl::Status status;
  Visit(policy, "",
        [&](const std::string& path, const Message& message, const FieldDescriptor* field) {
          if (!status.ok() || !IsInteger(field)) return;
          const int64_t value = IntegerValue(message, field);
          if (InRange(field, value)) return;
          status = absl::InvalidArgumentError(absl::StrCat("setting ", path, " cannot be '", value,
                                                           "'; it takes ", RangeText(field)));
        });
  return status;
}

}  // namespace heapsim::sim
