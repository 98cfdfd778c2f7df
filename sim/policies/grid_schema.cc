#include "sim/policies/grid_schema.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "proto/choice_name.h"
#include "proto/policy.pb.h"
#include "proto/setting.pb.h"
#include "sim/policies/text_message.h"

namespace heapsim::sim {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::Message;
using google::protobuf::TextFormat;

constexpr char kPackage[] = "heapsim.grid_schema";
constexpr char kRoot[] = "Grid";

bool IsSetting(const FieldDescriptor* field) {
  return field->options().HasExtension(proto::setting);
}

bool IsPart(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated();
}

// Adds to `file` the message `name`: as `type`, but its settings are lists. What is no setting, as
// the name of a policy, has no place in a grid. A setting that is a table of its own accord is a
// list of texts, as --set takes them.
void AddLists(const Descriptor* type, const std::string& name, FileDescriptorProto* file) {
  DescriptorProto message;
  message.set_name(name);
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!IsPart(field) && !IsSetting(field)) continue;
    FieldDescriptorProto* list = message.add_field();
    field->CopyTo(list);
    list->clear_options();
    list->clear_default_value();
    list->clear_oneof_index();
    if (!IsPart(field)) {
      if (field->is_repeated()) {
        list->set_type(FieldDescriptorProto::TYPE_STRING);
        list->clear_type_name();
      }
      list->set_label(FieldDescriptorProto::LABEL_REPEATED);
      continue;
    }
    const std::string part = absl::StrCat(name, "_", field->name());
    list->set_type_name(absl::StrCat(".", kPackage, ".", part));
    AddLists(field->message_type(), part, file);
  }
  *file->add_message_type() = std::move(message);
}

// Made from the descriptors of the two schemas, so that a new setting is in it by itself.
class Schema {
 public:
  Schema() : pool_(google::protobuf::DescriptorPool::generated_pool()), factory_(&pool_) {
    FileDescriptorProto file;
    file.set_name("grid_schema.proto");
    file.set_package(kPackage);
    file.add_dependency(proto::Policy::descriptor()->file()->name());
    file.add_dependency(proto::Grid::descriptor()->file()->name());
    AddLists(proto::Policy::descriptor(), kRoot, &file);
    const Descriptor* grid = proto::Grid::descriptor();
    for (DescriptorProto& message : *file.mutable_message_type()) {
      if (message.name() != kRoot) continue;
      for (int i = 0; i < grid->field_count(); ++i) grid->field(i)->CopyTo(message.add_field());
    }
    if (pool_.BuildFile(file) == nullptr) {
      // The two schemas do not fit together; a test parses a grid, so no user gets here.
      std::fprintf(stderr, "heapsim: proto/grid.proto and proto/policy.proto clash\n");
      std::abort();
    }
    prototype_ =
        factory_.GetPrototype(pool_.FindMessageTypeByName(absl::StrCat(kPackage, ".Grid")));
  }

  std::unique_ptr<Message> New() const { return std::unique_ptr<Message>(prototype_->New()); }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const Message* prototype_ = nullptr;
};

std::string ValueText(const Message& message, const FieldDescriptor* field, int index) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    return proto::ChoiceName(message.GetReflection()->GetRepeatedEnum(message, field, index));
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return message.GetReflection()->GetRepeatedString(message, field, index);
  }
  std::string text;
  TextFormat::PrintFieldValueToString(message, field, index, &text);
  return text;
}

absl::Status EmptyList(absl::string_view source, const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat(source, ": ", path,
                   " is an empty list; give each value that it shall take, as in [50, 100]"));
}

// Appends the lists of `message`, whose own path is `prefix`. `places` tells an empty list from
// one that is not there.
absl::Status Collect(absl::string_view source, const Message& message, const std::string& prefix,
                     const TextFormat::ParseInfoTree* places, std::vector<GridList>* lists) {
  const Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->number() >= proto::Grid::kPolicyFieldNumber) continue;
    const std::string path = prefix + field->name();
    if (IsPart(field)) {
      if (!message.GetReflection()->HasField(message, field)) continue;
      const absl::Status status =
          Collect(source, message.GetReflection()->GetMessage(message, field), path + ".",
                  places->GetTreeForNested(field, -1), lists);
      if (!status.ok()) return status;
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    if (count == 0) {
      if (places->GetLocation(field, 0).line >= 0) return EmptyList(source, path);
      continue;
    }
    GridList list{path, {}};
    for (int j = 0; j < count; ++j) list.values.push_back(ValueText(message, field, j));
    lists->push_back(std::move(list));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GridFile> ParseGridFile(absl::string_view source, absl::string_view text) {
  static const Schema* const schema = new Schema;
  const std::unique_ptr<Message> message = schema->New();
  TextFormat::ParseInfoTree places;
  if (absl::Status status = ParseTextMessage(
          source, text, "proto/grid.proto has the form of a grid file", message.get(), &places);
      !status.ok()) {
    return status;
  }
  GridFile file;
  // The policy's fields are none that Grid knows.
  if (!file.grid.ParseFromString(message->SerializeAsString())) {
    return absl::InternalError(absl::StrCat(source, ": the grid's own fields cannot be read"));
  }
  file.grid.DiscardUnknownFields();
  if (absl::Status status = Collect(source, *message, "", &places, &file.lists); !status.ok()) {
    return status;
  }
  return file;
}

}  // namespace heapsim::sim
