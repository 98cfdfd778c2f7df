#include "traces/format/trace_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "traces/format/chunk_codec.h"
#include "traces/format/stream_vbyte.h"
#include "traces/format/version.h"

namespace heapsim::traces {
namespace {

// The first chunks, and later one in so many, are stored in the better of both codings of frees.
constexpr uint32_t kTryBothFirst = 4;
constexpr uint32_t kTryBothEvery = 16;

}  // namespace

TraceWriter::TraceWriter(ByteSink* sink, WriterOptions options) : frames_(sink, options.level) {}

absl::Status TraceWriter::Header(proto::TraceHeader header) {
  header.set_version(kFormatVersion);
  return frames_.Write(FrameKind::kHeader, header.SerializeAsString());
}

TraceWriter::Process& TraceWriter::ProcessAt(uint32_t index) {
  if (index >= processes_.size()) processes_.resize(index + 1);
  return processes_[index];
}

absl::Status TraceWriter::Block(uint32_t process, const EventBlock& block) {
  if (block.count == 0) return absl::OkStatus();
  footer_.add_chunk_offset(frames_.offset() - last_chunk_);
  footer_.add_chunk_process(process);
  footer_.add_chunk_first_event(block.first_event);
  footer_.add_chunk_time(block.time_ns.empty() ? 0 : block.time_ns.front());
  last_chunk_ = frames_.offset();
  ProcessAt(process).events += block.count;

  EncodeChunk(block, process, deltas_ ? FreeCoding::kDeltas : FreeCoding::kIds, &chunk_);
  chunk_.SerializeToString(&bytes_);
  if (chunks_ < kTryBothFirst || chunks_ % kTryBothEvery == 0) {
    EncodeFrees(block, deltas_ ? FreeCoding::kIds : FreeCoding::kDeltas, &chunk_);
    chunk_.SerializeToString(&other_bytes_);
    if (frames_.StoredSize(other_bytes_) < frames_.StoredSize(bytes_)) {
      deltas_ = !deltas_;
      std::swap(bytes_, other_bytes_);
    }
  }
  ++chunks_;
  return frames_.Write(FrameKind::kEvents, bytes_);
}

absl::Status TraceWriter::CallSites(uint32_t process, absl::Span<const uint64_t> addresses,
                                    absl::Span<const uint32_t> parents) {
  while (addresses.size() > kMaxBlockEvents) {
    absl::Status s = CallSites(process, addresses.subspan(0, kMaxBlockEvents),
                               parents.subspan(0, kMaxBlockEvents));
    if (!s.ok()) return s;
    addresses.remove_prefix(kMaxBlockEvents);
    parents.remove_prefix(kMaxBlockEvents);
  }
  if (addresses.empty()) return absl::OkStatus();
  Process& p = ProcessAt(process);
  proto::CallSiteChunk message;
  message.set_process(process);
  message.set_first_node(p.call_sites + 1);
  message.set_count(static_cast<uint32_t>(addresses.size()));
  std::vector<uint32_t> distances, halves;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const uint32_t node = ++p.call_sites;
    distances.push_back(node - parents[i]);
    const uint64_t difference = addresses[i] - p.call_site_address;
    p.call_site_address = addresses[i];
    const uint64_t code = (difference << 1) ^ (0 - (difference >> 63));
    halves.push_back(static_cast<uint32_t>(code));
    halves.push_back(static_cast<uint32_t>(code >> 32));
  }
  StreamVbyteEncode(distances, message.mutable_parent_distance());
  StreamVbyteEncode(halves, message.mutable_address());
  return frames_.Write(FrameKind::kCallSites, message.SerializeAsString());
}

absl::Status TraceWriter::Code(uint32_t process, const proto::CodeMap& map) {
  proto::CallSiteChunk message;
  message.set_process(process);
  message.set_first_node(ProcessAt(process).call_sites + 1);
  *message.mutable_code() = map;
  return frames_.Write(FrameKind::kCallSites, message.SerializeAsString());
}

absl::Status TraceWriter::Finish(absl::Span<const ProcessSummary> processes) {
  if (processes.size() < processes_.size()) {
    return absl::InternalError("a process without a summary");
  }
  for (size_t i = 0; i < processes.size(); ++i) {
    proto::ProcessFacts* message = footer_.add_processes();
    message->set_pid(processes[i].pid);
    *message->mutable_facts() = ToProto(processes[i].facts);
    message->set_stored_events(i < processes_.size() ? processes_[i].events : 0);
    message->set_object_ids(processes[i].object_ids);
  }
  footer_.set_frames(frames_.frames());
  if (absl::Status s = frames_.Write(FrameKind::kFooter, footer_.SerializeAsString()); !s.ok()) {
    return s;
  }
  return frames_.WriteTrailer();
}

}  // namespace heapsim::traces
