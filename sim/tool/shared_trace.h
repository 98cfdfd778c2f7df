// A trace that several replays read at the same time.
#ifndef HEAPSIM_SIM_TOOL_SHARED_TRACE_H_
#define HEAPSIM_SIM_TOOL_SHARED_TRACE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/snapshot.pb.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"
#include "traces/facts.h"
#include "traces/format/trace_reader.h"
#include "traces/open_trace.h"

namespace heapsim::sim {

// What decoded traces may take, all together. All members may be called from any thread.
class TraceMemory {
 public:
  explicit TraceMemory(uint64_t bytes) : left_(bytes) {}

  // False where so much is not left; nothing is taken then.
  bool Take(uint64_t bytes);
  void GiveBack(uint64_t bytes) { left_ += bytes; }

 private:
  std::atomic<uint64_t> left_;
};

// Decodes a trace once for all who read it, as long as there is memory for its blocks; a longer one
// is opened and decoded again by each. All members may be called from any thread.
class SharedTrace {
 public:
  // `memory` must outlive this.
  SharedTrace(std::string path, traces::OpenOptions options, TraceMemory* memory);
  SharedTrace(const SharedTrace&) = delete;
  SharedTrace& operator=(const SharedTrace&) = delete;
  ~SharedTrace() { Release(); }

  const std::string& path() const { return path_; }

  // The events from the start. The first call reads the trace, others wait for it; what is wrong
  // with the trace is told to each. The source must not outlive this.
  absl::StatusOr<std::unique_ptr<BlockSource>> Open();

  // Names the frames of call sites; to be called when a source has been read. Does nothing unless
  // options say that call sites are kept.
  void NameFrames(proto::Detail* detail) const;

  // Known after Open.
  const std::optional<traces::TraceFacts>& facts() const { return facts_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Forgets the blocks, which nobody may read any more. Who opens it later decodes it again.
  void Release();

 private:
  friend class FileSource;
  absl::Status Load();
  // A reader that is done with the trace, or with a part of it.
  void KeepNames(std::unique_ptr<traces::TraceReader> reader);

  const std::string path_;
  const traces::OpenOptions options_;
  TraceMemory* const memory_;  // none: it is decoded at any price

  mutable std::mutex mutex_;
  std::unique_ptr<traces::TraceReader> names_;  // knows most call sites of all readers so far
  bool loaded_ = false;
  absl::Status status_;
  bool in_memory_ = false;
  uint64_t taken_ = 0;  // of memory_
  std::vector<traces::EventBlock> blocks_;
  uint64_t events_ = 0;  // TraceReader::stored_events before they were read
  std::optional<traces::TraceFacts> facts_;
  std::vector<std::string> warnings_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_SHARED_TRACE_H_
