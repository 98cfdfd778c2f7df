// The trace a verb reads: the argument TRACE and the flags that go with it.
#ifndef HEAPSIM_SIM_TOOL_TRACE_INPUT_H_
#define HEAPSIM_SIM_TOOL_TRACE_INPUT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "traces/format/trace_reader.h"
#include "traces/open_trace.h"

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

class TraceInput {
 public:
  void AddFlags(CLI::App& app, const std::string& argument = "TRACE");

  // Opens the trace; what there is to say about it goes to stderr as warnings, unless `warn` is
  // false. Of `options`, what flags decide is set here. fd: a file that holds a copy of the trace,
  // -1: none.
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> Open(traces::OpenOptions options = {},
                                                            bool warn = true, int fd = -1) const;

  bool has_pid() const { return pid_.has_value(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::optional<uint64_t> pid_;
  std::string from_;
};

// One line on stderr that is no error.
void Warn(absl::string_view message);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_TRACE_INPUT_H_
