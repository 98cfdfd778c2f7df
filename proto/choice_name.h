// How a choice of the schemas is spelled for people.
#ifndef HEAPSIM_PROTO_CHOICE_NAME_H_
#define HEAPSIM_PROTO_CHOICE_NAME_H_

#include <string>

#include "google/protobuf/descriptor.h"

namespace heapsim::proto {

// PAGE_ALLOCATOR_GO110 of enum PageAllocator is "go110": on the command line, in results, in lists.
std::string ChoiceName(const google::protobuf::EnumValueDescriptor* value);

}  // namespace heapsim::proto

#endif  // HEAPSIM_PROTO_CHOICE_NAME_H_
