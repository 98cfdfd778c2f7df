#include "sim/tool/shared_trace.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "sim/replay/block_sources.h"
#include "sim/tool/call_frames.h"
#include "sim/tool/result_message.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

class FileSource final : public BlockSource {
 public:
  FileSource(std::unique_ptr<traces::TraceReader> reader, SharedTrace* trace)
      : reader_(std::move(reader)), trace_(trace) {}
  ~FileSource() override { trace_->KeepNames(std::move(reader_)); }
  absl::StatusOr<bool> Next(traces::EventBlock* block) override { return reader_->Next(block); }
  uint64_t events() const override { return reader_->stored_events(); }

 private:
  std::unique_ptr<traces::TraceReader> reader_;
  SharedTrace* trace_;
};

bool TraceMemory::Take(uint64_t bytes) {
  uint64_t left = left_;
  do {
    if (bytes > left) return false;
  } while (!left_.compare_exchange_weak(left, left - bytes));
  return true;
}

SharedTrace::SharedTrace(std::string path, traces::OpenOptions options, TraceMemory* memory)
    : path_(std::move(path)),
      options_(std::move(options)),
      // Standard input cannot be read twice.
      memory_(path_ == "-" ? nullptr : memory) {}

absl::Status SharedTrace::Load() {
  absl::StatusOr<traces::OpenedTrace> opened = traces::OpenTrace(path_, options_);
  if (!opened.ok()) return opened.status();
  warnings_ = std::move(opened->warnings);
  traces::TraceReader& reader = *opened->reader;
  events_ = reader.stored_events();
  if (options_.keep_call_sites) reader.KeepCallSites();
  if (absl::Status status = CheckReplayable(reader, path_); !status.ok()) return status;
  std::vector<traces::EventBlock> blocks;
  uint64_t bytes = 0;
  absl::Cleanup give_back = [&] {
    if (memory_ != nullptr) memory_->GiveBack(bytes);
  };
  for (;;) {
    traces::EventBlock block;
    absl::StatusOr<bool> more = reader.Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) break;
    const uint64_t size = BytesOf(block);
    if (memory_ != nullptr && !memory_->Take(size)) {
      // Facts stand in the footer, which a file lets be read first.
      if (reader.facts() != nullptr) facts_ = *reader.facts();
      return absl::OkStatus();
    }
    bytes += size;
    blocks.push_back(std::move(block));
  }
  std::move(give_back).Cancel();
  blocks_ = std::move(blocks);
  taken_ = bytes;
  in_memory_ = true;
  if (reader.facts() != nullptr) facts_ = *reader.facts();
  if (options_.keep_call_sites) names_ = std::move(opened->reader);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BlockSource>> SharedTrace::Open() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!loaded_) {
      loaded_ = true;
      status_ = Load();
    }
    if (!status_.ok()) return status_;
    if (in_memory_) return std::make_unique<KeptBlocks>(&blocks_, events_);
  }
  absl::StatusOr<traces::OpenedTrace> opened = traces::OpenTrace(path_, options_);
  if (!opened.ok()) return opened.status();
  if (options_.keep_call_sites) opened->reader->KeepCallSites();
  return std::make_unique<FileSource>(std::move(opened->reader), this);
}

void SharedTrace::KeepNames(std::unique_ptr<traces::TraceReader> reader) {
  if (!options_.keep_call_sites) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (names_ == nullptr || reader->call_sites().size() > names_->call_sites().size()) {
    names_ = std::move(reader);
  }
}

void SharedTrace::NameFrames(proto::Detail* detail) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (names_ != nullptr) sim::NameFrames(*names_, detail);
}

void SharedTrace::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  names_ = nullptr;
  if (!in_memory_) return;
  blocks_ = {};
  if (memory_ != nullptr) memory_->GiveBack(taken_);
  in_memory_ = false;
  loaded_ = false;
}

}  // namespace heapsim::sim
