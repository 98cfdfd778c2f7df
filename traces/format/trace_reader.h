// Reads a `.htrace`, one block at a time.
#ifndef HEAPSIM_TRACES_FORMAT_TRACE_READER_H_
#define HEAPSIM_TRACES_FORMAT_TRACE_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"
#include "traces/facts.h"
#include "traces/format/chunk_codec.h"
#include "traces/format/code_names.h"
#include "traces/format/frame.h"
#include "traces/io/byte_source.h"

namespace heapsim::traces {

struct ReaderOptions {
  // The process to read, by its recorded id; without it the one with the most events.
  std::optional<uint64_t> pid;
};

// One process of the trace and its number of recorded events.
struct ProcessEntry {
  uint64_t pid = 0;
  uint64_t events = 0;
};

// A node of the call-site tree: the address of a call, and the node that called (0: none).
struct CallSite {
  uint64_t address = 0;
  uint32_t parent = 0;
};

// All errors are of kind DataLoss (damage, with the offset in the file), NotFound (no such pid), or
// those of the source. Memory is one block, what rests of ids, and the call sites if kept.
class TraceReader {
 public:
  // `name` stands in front of errors. Reads the header, and, from a seekable source, the footer. A
  // trace of several processes that cannot be read at will is kept in memory or a temporary file.
  static absl::StatusOr<std::unique_ptr<TraceReader>> Open(std::unique_ptr<ByteSource> source,
                                                           std::string name,
                                                           ReaderOptions options = {});

  const proto::TraceHeader& header() const { return header_; }

  // Null until known: after Open when the source is seekable, else after the last block.
  const TraceFacts* facts() const { return facts_ ? &*facts_ : nullptr; }
  // Object ids that occur, known with the facts: every id lies below.
  uint32_t object_ids() const { return object_ids_; }
  // Events that Next's blocks hold in all, known with the facts; 0 until then.
  uint64_t stored_events() const {
    return footer_known_ ? footer_.processes(static_cast<int>(process_)).stored_events() : 0;
  }
  // All processes of the file, in the order in which they first appeared, known with the facts.
  const std::vector<ProcessEntry>& processes() const { return processes_; }
  // The process that is read; 0 where the trace has no process ids. Known with the facts.
  uint64_t pid() const { return pid_; }

  // Fills `*block` with the next events; false at the end, which is checked like the rest. A block
  // has at least one event.
  absl::StatusOr<bool> Next(EventBlock* block);

  // From now on call sites are kept; without this they are checked and dropped.
  void KeepCallSites() { keep_call_sites_ = true; }
  // Those seen so far, node n at [n - 1]: all that the blocks so far refer to.
  const std::vector<CallSite>& call_sites() const { return call_sites_; }
  // What the trace says about their addresses: CodeNames::FramesOf(node, address).
  const CodeNames& code_names() const { return code_names_; }

 private:
  TraceReader(std::unique_ptr<ByteSource> source, std::string name, ReaderOptions options);
  absl::Status Start();
  absl::Status ParseFooter(const FrameReader::Frame& frame);
  absl::Status ReadEvents(const FrameReader::Frame& frame, EventBlock* block, bool* mine);
  absl::Status ReadCallSites(const FrameReader::Frame& frame);
  absl::Status CheckEnd(const FrameReader::Frame& frame);

  const std::unique_ptr<ByteSource> source_;
  const std::string name_;
  const ReaderOptions options_;
  FrameReader frames_;
  proto::TraceHeader header_;
  proto::TraceFooter footer_;
  bool footer_known_ = false;
  std::optional<TraceFacts> facts_;
  uint32_t object_ids_ = 0;
  std::vector<ProcessEntry> processes_;
  uint32_t process_ = 0;  // index of the one that is read
  uint64_t pid_ = 0;
  bool ended_ = false;

  ChunkDecoder decoder_;
  proto::EventChunk chunk_;
  // What the index has to say, collected where the footer comes last.
  struct Seen {
    uint64_t offset;
    uint64_t first_event;
    uint64_t time;
    uint32_t process;
  };
  std::vector<Seen> seen_;
  uint32_t max_call_site_ = 0;  // that a block referred to
  bool keep_call_sites_ = false;
  uint32_t call_site_count_ = 0;
  uint64_t call_site_address_ = 0;
  std::vector<CallSite> call_sites_;
  CodeNames code_names_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_TRACE_READER_H_
