#include "sim/tool/shared_trace.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "sim/tool/result_message.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {
namespace {

template <typename T>
uint64_t Bytes(const std::vector<T>& column) {
  return column.size() * sizeof(T);
}

uint64_t BytesOf(const traces::EventBlock& block) {
  return sizeof block + Bytes(block.is_free) + Bytes(block.alloc_object) + Bytes(block.alloc_size) +
         Bytes(block.free_object) + Bytes(block.exceptions) + Bytes(block.time_ns) +
         Bytes(block.thread) + Bytes(block.call_site) + Bytes(block.scan) + Bytes(block.weight) +
         Bytes(block.markers);
}

class MemorySource : public BlockSource {
 public:
  explicit MemorySource(const std::vector<traces::EventBlock>* blocks) : blocks_(blocks) {}

  absl::StatusOr<bool> Next(traces::EventBlock* block) override {
    if (next_ == blocks_->size()) return false;
    *block = (*blocks_)[next_++];
    return true;
  }
  absl::StatusOr<const traces::EventBlock*> Borrow(traces::EventBlock* /*own*/) override {
    return next_ == blocks_->size() ? nullptr : &(*blocks_)[next_++];
  }

 private:
  const std::vector<traces::EventBlock>* blocks_;
  size_t next_ = 0;
};

class FileSource : public BlockSource {
 public:
  explicit FileSource(std::unique_ptr<traces::TraceReader> reader) : reader_(std::move(reader)) {}
  absl::StatusOr<bool> Next(traces::EventBlock* block) override { return reader_->Next(block); }

 private:
  std::unique_ptr<traces::TraceReader> reader_;
};

}  // namespace

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
    if (in_memory_) return std::make_unique<MemorySource>(&blocks_);
  }
  absl::StatusOr<traces::OpenedTrace> opened = traces::OpenTrace(path_, options_);
  if (!opened.ok()) return opened.status();
  return std::make_unique<FileSource>(std::move(opened->reader));
}

void SharedTrace::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!in_memory_) return;
  blocks_ = {};
  if (memory_ != nullptr) memory_->GiveBack(taken_);
  in_memory_ = false;
  loaded_ = false;
}

}  // namespace heapsim::sim
