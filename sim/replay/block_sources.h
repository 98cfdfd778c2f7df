// Where the blocks of a replay come from: a reader, or memory.
#ifndef HEAPSIM_SIM_REPLAY_BLOCK_SOURCES_H_
#define HEAPSIM_SIM_REPLAY_BLOCK_SOURCES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

// A trace as it is decoded. The reader outlives it.
class TraceBlocks final : public BlockSource {
 public:
  explicit TraceBlocks(traces::TraceReader* reader) : reader_(reader) {}
  absl::StatusOr<bool> Next(traces::EventBlock* block) override { return reader_->Next(block); }
  uint64_t events() const override { return reader_->stored_events(); }

 private:
  traces::TraceReader* const reader_;
};

// Decoded blocks, for whoever reads them again. They outlive it. `events`: what was known of their
// number before they were read, so that reading them again is the same.
class KeptBlocks final : public BlockSource {
 public:
  explicit KeptBlocks(const std::vector<traces::EventBlock>* blocks, uint64_t events = 0)
      : blocks_(blocks), events_(events) {}
  absl::StatusOr<bool> Next(traces::EventBlock* block) override;
  absl::StatusOr<const traces::EventBlock*> Borrow(traces::EventBlock* own) override;
  uint64_t events() const override { return events_; }

 private:
  const std::vector<traces::EventBlock>* const blocks_;
  const uint64_t events_;
  size_t next_ = 0;
};

// The memory that a block takes.
uint64_t BytesOf(const traces::EventBlock& block);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_BLOCK_SOURCES_H_
