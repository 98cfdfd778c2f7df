// The traces of comparisons, each decoded once however many cells and comparisons read it.
#ifndef HEAPSIM_SIM_TOOL_TRACE_SET_H_
#define HEAPSIM_SIM_TOOL_TRACE_SET_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/tool/shared_trace.h"
#include "traces/open_trace.h"

namespace heapsim::sim {

// All members may be called from any thread.
class TraceSet {
 public:
  TraceSet(const std::vector<std::string>& paths, const traces::OpenOptions& open);

  // `path` must be one of those given.
  SharedTrace& Get(const std::string& path) { return traces_.at(path).shared; }

  // A hash of the file's bytes. The first call reads it.
  const absl::StatusOr<std::string>& Hash(const std::string& path);

  // What there is to say about those that were opened, in the order given.
  std::vector<std::string> Warnings() const;

 private:
  struct Trace {
    Trace(const std::string& path, const traces::OpenOptions& open, TraceMemory* memory)
        : shared(path, open, memory) {}

    SharedTrace shared;
    std::once_flag hashed;
    absl::StatusOr<std::string> hash = absl::UnknownError("not hashed");
  };

  TraceMemory memory_;
  const std::vector<std::string> paths_;
  std::map<std::string, Trace> traces_;  // fixed once this is made
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_TRACE_SET_H_
