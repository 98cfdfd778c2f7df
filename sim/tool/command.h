// Programs that this one calls.
#ifndef HEAPSIM_SIM_TOOL_COMMAND_H_
#define HEAPSIM_SIM_TOOL_COMMAND_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace heapsim::sim {

struct CommandOutput {
  int status = 0;  // 128 + the signal that ended it, as shells have it
  std::string out;
  std::string err;
};

// Runs a program found in PATH, with nothing on its stdin, and waits for it. One that is not
// done after `limit` is killed. An error: it cannot be started, or took too long.
absl::StatusOr<CommandOutput> RunCommand(const std::vector<std::string>& words,
                                         std::chrono::milliseconds limit);

// Whether PATH has a program of that name.
bool InPath(const std::string& program);

// The path of this program's own file.
absl::StatusOr<std::string> OwnPath();

// A word as a shell reads it back.
std::string ShellQuoted(const std::string& word);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMMAND_H_
