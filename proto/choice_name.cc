#include "proto/choice_name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace heapsim::proto {

std::string ChoiceName(const google::protobuf::EnumValueDescriptor* value) {
  std::string prefix;
  for (const char c : value->type()->name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  prefix += '_';
  return absl::AsciiStrToLower(absl::StripPrefix(value->name(), prefix));
}

}  // namespace heapsim::proto
