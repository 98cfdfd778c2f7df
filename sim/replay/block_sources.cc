#include "sim/replay/block_sources.h"

namespace heapsim::sim {
namespace {

template <typename T>
uint64_t Bytes(const std::vector<T>& column) {
  return column.size() * sizeof(T);
}

}  // namespace

absl::StatusOr<bool> KeptBlocks::Next(traces::EventBlock* block) {
  if (next_ == blocks_->size()) return false;
  *block = (*blocks_)[next_++];
  return true;
}

absl::StatusOr<const traces::EventBlock*> KeptBlocks::Borrow(traces::EventBlock* /*own*/) {
  return next_ == blocks_->size() ? nullptr : &(*blocks_)[next_++];
}

uint64_t BytesOf(const traces::EventBlock& block) {
  return sizeof block + Bytes(block.is_free) + Bytes(block.alloc_object) + Bytes(block.alloc_size) +
         Bytes(block.free_object) + Bytes(block.exceptions) + Bytes(block.time_ns) +
         Bytes(block.thread) + Bytes(block.call_site) + Bytes(block.scan) + Bytes(block.weight) +
         Bytes(block.markers);
}

}  // namespace heapsim::sim
