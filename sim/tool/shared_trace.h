// A trace that several replays read at the same time.
#ifndef HEAPSIM_SIM_TOOL_SHARED_TRACE_H_
#define HEAPSIM_SIM_TOOL_SHARED_TRACE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"
#include "traces/facts.h"
#include "traces/open_trace.h"

namespace heapsim::sim {

// Decodes a trace once for all who read it, as long as its blocks fit into `memory_limit` bytes;
// a longer one is opened and decoded again by each. All members may be called from any thread.
class SharedTrace {
 public:
  SharedTrace(std::string path, traces::OpenOptions options, uint64_t memory_limit);

  const std::string& path() const { return path_; }

  // The events from the start. The first call reads the trace, others wait for it; what is wrong
  // with the trace is told to each. The source must not outlive this.
  absl::StatusOr<std::unique_ptr<BlockSource>> Open();

  // Known after Open.
  const std::optional<traces::TraceFacts>& facts() const { return facts_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Forgets the blocks: nobody will open it any more.
  void Release();

 private:
  absl::Status Load();

  const std::string path_;
  const traces::OpenOptions options_;
  const uint64_t memory_limit_;

  std::mutex mutex_;
  bool loaded_ = false;
  absl::Status status_;
  bool in_memory_ = false;
  std::vector<traces::EventBlock> blocks_;
  std::optional<traces::TraceFacts> facts_;
  std::vector<std::string> warnings_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SHARED_TRACE_H_
