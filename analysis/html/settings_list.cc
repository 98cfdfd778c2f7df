#include "analysis/html/settings_list.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "analysis/json.h"
#include "google/protobuf/descriptor.h"
#include "proto/setting.pb.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

void AddSettings(const Descriptor& type, const ordered_json& values, const std::string& head,
                 ordered_json* rows) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const std::string path = absl::StrCat(head, field->name());
    const ordered_json& value = values.at(field->name());
    if (field->options().HasExtension(proto::setting)) {
      const proto::Setting& setting = field->options().GetExtension(proto::setting);
      const std::string text = value.is_string() ? value.get<std::string>() : JsonText(value, -1);
      rows->push_back({path, text, setting.unit(), setting.meaning()});
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated()) {
      AddSettings(*field->message_type(), value, absl::StrCat(path, "."), rows);
    }
  }
}

}  // namespace

ordered_json SettingsList(const proto::Policy& policy) {
  ordered_json rows = ordered_json::array();
  AddSettings(*policy.GetDescriptor(), ToJson(policy), "", &rows);
  return rows;
}

}  // namespace heapsim::analysis
