#include "traces/format/trace_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "traces/format/stream_vbyte.h"
#include "traces/format/version.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

TraceReader::TraceReader(std::unique_ptr<ByteSource> source, std::string name,
                         ReaderOptions options)
    : source_(std::move(source)),
      name_(std::move(name)),
      options_(options),
      frames_(source_.get(), name_) {}

absl::StatusOr<std::unique_ptr<TraceReader>> TraceReader::Open(std::unique_ptr<ByteSource> source,
                                                               std::string name,
                                                               ReaderOptions options) {
  std::unique_ptr<TraceReader> reader(new TraceReader(std::move(source), std::move(name), options));
  if (absl::Status s = reader->Start(); !s.ok()) return s;
  return reader;
}

absl::Status TraceReader::Start() {
  absl::StatusOr<FrameReader::Frame> frame = frames_.Next();
  if (!frame.ok()) return frame.status();
  if (!header_.ParseFromArray(frame->raw.data(), static_cast<int>(frame->raw.size()))) {
    return frames_.Error(frame->offset, "the header does not parse");
  }
  if (header_.version() != kFormatVersion) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": .htrace of version ",
                                                   header_.version(), ", but only version ",
                                                   kFormatVersion, " can be read"));
  }
  if (source_->seekable()) {
    absl::StatusOr<FrameReader::Frame> footer = frames_.Footer();
    if (!footer.ok()) return footer.status();
    return ParseFooter(*footer);
  }
  if (header_.several_processes() || options_.pid.has_value()) {
    return absl::UnimplementedError("the process is only known at the end of this stream");
  }
  return absl::OkStatus();
}

absl::Status TraceReader::ParseFooter(const FrameReader::Frame& frame) {
  if (!footer_.ParseFromArray(frame.raw.data(), static_cast<int>(frame.raw.size()))) {
    return frames_.Error(frame.offset, "the footer does not parse");
  }
  const int chunks = footer_.chunk_offset_size();
  if (footer_.processes_size() == 0 || footer_.chunk_process_size() != chunks ||
      footer_.chunk_first_event_size() != chunks || footer_.chunk_time_size() != chunks) {
    return frames_.Error(frame.offset, "the index is not whole");
  }
  process_ = 0;
  for (int i = 0; i < footer_.processes_size(); ++i) {
    const proto::ProcessFacts& process = footer_.processes(i);
    processes_.push_back({process.pid(), process.facts().events()});
    if (process.facts().events() > footer_.processes(process_).facts().events()) process_ = i;
  }
  if (options_.pid.has_value()) {
    const auto it = std::find_if(processes_.begin(), processes_.end(),
                                 [&](const ProcessEntry& p) { return p.pid == *options_.pid; });
    if (it == processes_.end()) {
      std::string pids;
      for (size_t i = 0; i < processes_.size() && i < 8; ++i) {
        absl::StrAppend(&pids, i == 0 ? "" : ", ", processes_[i].pid, " (", processes_[i].events,
                        " events)");
      }
      if (processes_.size() > 8) absl::StrAppend(&pids, " and more");
      return absl::NotFoundError(
          absl::StrCat(name_, ": no process ", *options_.pid, "; it holds ", pids));
    }
    process_ = static_cast<uint32_t>(it - processes_.begin());
  }
  pid_ = processes_[process_].pid;
  facts_ = FromProto(footer_.processes(process_).facts());
  object_ids_ = footer_.processes(process_).object_ids();
  footer_known_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> TraceReader::Next(EventBlock* block) {
  while (!ended_) {
    absl::StatusOr<FrameReader::Frame> frame = frames_.Next();
    if (!frame.ok()) return frame.status();
    switch (frame->kind) {
      case FrameKind::kEvents: {
        bool mine = false;
        if (absl::Status s = ReadEvents(*frame, block, &mine); !s.ok()) return s;
        if (mine) return true;
        break;
      }
      case FrameKind::kCallSites:
        if (absl::Status s = ReadCallSites(*frame); !s.ok()) return s;
        break;
      case FrameKind::kHeader:
        return frames_.Error(frame->offset, "a second header");
      case FrameKind::kFooter:
        if (absl::Status s = CheckEnd(*frame); !s.ok()) return s;
        ended_ = true;
        break;
    }
  }
  block->Clear();
  return false;
}

absl::Status TraceReader::ReadEvents(const FrameReader::Frame& frame, EventBlock* block,
                                     bool* mine) {
  if (!chunk_.ParseFromArray(frame.raw.data(), static_cast<int>(frame.raw.size()))) {
    return frames_.Error(frame.offset, "a chunk does not parse");
  }
  seen_.push_back({frame.offset, chunk_.first_event(), chunk_.base_time(), chunk_.process()});
  *mine = chunk_.process() == process_;
  if (!*mine) {
    if (footer_known_ && chunk_.process() < processes_.size()) return absl::OkStatus();
    return frames_.Error(frame.offset, "a chunk of a process that is not there");
  }
  if (absl::Status s = decoder_.Decode(chunk_, block); !s.ok()) {
    return frames_.Error(frame.offset, s.message());
  }
  for (const uint32_t site : block->call_site) max_call_site_ = std::max(max_call_site_, site);
  if (max_call_site_ > call_site_count_) {
    return frames_.Error(frame.offset, "a call site that is not there");
  }
  return absl::OkStatus();
}

absl::Status TraceReader::ReadCallSites(const FrameReader::Frame& frame) {
  proto::CallSiteChunk message;
  if (!message.ParseFromArray(frame.raw.data(), static_cast<int>(frame.raw.size()))) {
    return frames_.Error(frame.offset, "a call-site chunk does not parse");
  }
  if (message.process() != process_) return absl::OkStatus();
  const uint32_t count = message.count();
  if (count > kMaxBlockEvents || message.first_node() != call_site_count_ + 1 ||
      call_site_count_ > 0xffffffff - count) {
    return frames_.Error(frame.offset, "call sites out of order");
  }
  if (message.has_code()) {
    absl::Status s = code_names_.Add(message.first_node(), message.code(), keep_call_sites_);
    if (!s.ok()) return frames_.Error(frame.offset, s.message());
  }
  std::vector<uint32_t> distances(count), halves(2 * size_t{count});
  if (!StreamVbyteDecode(message.parent_distance(), absl::MakeSpan(distances)) ||
      !StreamVbyteDecode(message.address(), absl::MakeSpan(halves))) {
    return frames_.Error(frame.offset, "call sites do not fit their count");
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t node = ++call_site_count_;
    if (distances[i] == 0 || distances[i] > node) {
      return frames_.Error(frame.offset, "a call site under a later one");
    }
    const uint64_t code = halves[2 * i] | uint64_t{halves[2 * i + 1]} << 32;
    call_site_address_ += (code >> 1) ^ (0 - (code & 1));
    if (keep_call_sites_) call_sites_.push_back({call_site_address_, node - distances[i]});
  }
  return absl::OkStatus();
}

absl::Status TraceReader::CheckEnd(const FrameReader::Frame& frame) {
  if (!footer_known_) {
    if (absl::Status s = ParseFooter(frame); !s.ok()) return s;
    if (process_ != 0 || processes_.size() != 1) {
      return frames_.Error(frame.offset, "processes that the header did not announce");
    }
  }
  if (footer_.frames() != frames_.frames() - 1 ||
      static_cast<size_t>(footer_.chunk_offset_size()) != seen_.size()) {
    return frames_.Error(frame.offset, "the index does not fit the frames");
  }
  uint64_t offset = 0;
  for (int i = 0; i < footer_.chunk_offset_size(); ++i) {
    offset += footer_.chunk_offset(i);
    if (offset != seen_[i].offset || footer_.chunk_process(i) != seen_[i].process ||
        footer_.chunk_first_event(i) != seen_[i].first_event ||
        footer_.chunk_time(i) != seen_[i].time) {
      return frames_.Error(frame.offset, "the index does not fit the chunks");
    }
  }
  if (footer_.processes(process_).stored_events() != decoder_.events() ||
      footer_.processes(process_).object_ids() != decoder_.ids()) {
    return frames_.Error(frame.offset, "the footer does not fit the events");
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces
