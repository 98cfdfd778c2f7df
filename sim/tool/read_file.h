// A small text file that a flag names.
#ifndef HEAPSIM_SIM_TOOL_READ_FILE_H_
#define HEAPSIM_SIM_TOOL_READ_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace heapsim::sim {

// The whole of it. The error names the path and says what it was wanted for ("the baseline").
absl::StatusOr<std::string> ReadFile(const std::string& path, absl::string_view what);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_READ_FILE_H_
