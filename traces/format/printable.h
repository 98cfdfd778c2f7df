// Names from files that nobody vouches for, made fit for people and for protobuf.
#ifndef HEAPSIM_TRACES_FORMAT_PRINTABLE_H_
#define HEAPSIM_TRACES_FORMAT_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace heapsim::traces {

// `text` with a "?" for every control character and every byte that is no part of UTF-8.
std::string Printable(absl::string_view text);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_PRINTABLE_H_
