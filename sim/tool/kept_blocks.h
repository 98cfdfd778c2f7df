// Decoded blocks of a trace in memory, for whoever reads it again.
#ifndef HEAPSIM_SIM_TOOL_KEPT_BLOCKS_H_
#define HEAPSIM_SIM_TOOL_KEPT_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"

namespace heapsim::sim {

// What a block takes.
uint64_t BytesOf(const traces::EventBlock& block);

// Reads blocks that outlive it.
class KeptBlocks final : public BlockSource {
 public:
  explicit KeptBlocks(const std::vector<traces::EventBlock>* blocks) : blocks_(blocks) {}

  absl::StatusOr<bool> Next(traces::EventBlock* block) override;
  absl::StatusOr<const traces::EventBlock*> Borrow(traces::EventBlock* own) override;

 private:
  const std::vector<traces::EventBlock>* blocks_;
  size_t next_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_KEPT_BLOCKS_H_
