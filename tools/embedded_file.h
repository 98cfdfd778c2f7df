// A file that the build put into the binary (tools/embed.bzl).
#ifndef HEAPSIM_TOOLS_EMBEDDED_FILE_H_
#define HEAPSIM_TOOLS_EMBEDDED_FILE_H_

#include "absl/strings/string_view.h"

namespace heapsim {

struct EmbeddedFile {
  absl::string_view name;  // without directories
  absl::string_view text;
};

}  // namespace heapsim

#endif  // HEAPSIM_TOOLS_EMBEDDED_FILE_H_
