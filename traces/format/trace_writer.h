// Writes a `.htrace`.
#ifndef HEAPSIM_TRACES_FORMAT_TRACE_WRITER_H_
#define HEAPSIM_TRACES_FORMAT_TRACE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"
#include "traces/facts.h"
#include "traces/format/frame.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

struct WriterOptions {
  // zstd's level: 3 for files that are kept, 1 for a stream that is read once.
  int level = 3;
};

// What the footer tells about a process.
struct ProcessSummary {
  uint64_t pid = 0;
  TraceFacts facts;
  uint32_t object_ids = 0;  // ids handed out
};

// Calls come in this order: Header, any number of Block, CallSites and Code, Finish. After an error
// the file is of no use.
class TraceWriter {
 public:
  // The sink outlives the writer, which does not commit it.
  explicit TraceWriter(ByteSink* sink, WriterOptions options = {});

  // Sets the version itself.
  absl::Status Header(proto::TraceHeader header);
  // The next events of a process; `block` is valid (event_block.h), its numbers follow on, and its
  // ids are those of IdAllocator.
  absl::Status Block(uint32_t process, const EventBlock& block);
  // The next nodes of a process's call-site tree: addresses, and the number of each node's parent
  // (0: none). Node numbers count from 1.
  absl::Status CallSites(uint32_t process, absl::Span<const uint64_t> addresses,
                         absl::Span<const uint32_t> parents);
  // What is known of the addresses of the nodes that follow; less than 16 MiB.
  absl::Status Code(uint32_t process, const proto::CodeMap& map);
  // `processes` in the order of their indices; all that appeared in Block are there.
  absl::Status Finish(absl::Span<const ProcessSummary> processes);

  uint64_t stored_bytes() const { return frames_.offset(); }

 private:
  struct Process {
    uint64_t events = 0;
    uint32_t call_sites = 0;
    uint64_t call_site_address = 0;
  };
  Process& ProcessAt(uint32_t index);

  FrameWriter frames_;
  std::vector<Process> processes_;
  proto::TraceFooter footer_;
  uint64_t last_chunk_ = 0;
  // Which coding of frees the last chunks took: the other one is only tried now and then.
  bool deltas_ = true;
  uint32_t chunks_ = 0;
  proto::EventChunk chunk_;
  std::string bytes_;
  std::string other_bytes_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_TRACE_WRITER_H_
