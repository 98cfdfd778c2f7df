// From addresses to objects: identity is (process, address, generation), since allocators hand the
// same address out again and again.
#ifndef HEAPSIM_TRACES_IDENTITY_RESOLVER_H_
#define HEAPSIM_TRACES_IDENTITY_RESOLVER_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "traces/block_builder.h"
#include "traces/event_block.h"

namespace heapsim::traces {

// The calls of one process as a recorder sees them, in order. Address 0 is null. The rules (what an
// unknown free, an allocation of a live address, a null result do) are those of docs/cli.md and
// traces/README.md.
class IdentityResolver {
 public:
  // `blocks` outlives this.
  explicit IdentityResolver(BlockBuilder* blocks) : blocks_(*blocks) {}

  void Malloc(uint64_t result, uint64_t size) { Allocate(EventKind::kMalloc, result, size, 0); }
  // `size` is the product.
  void Calloc(uint64_t result, uint64_t size) { Allocate(EventKind::kCalloc, result, size, 0); }
  void Memalign(uint64_t result, uint64_t alignment, uint64_t size) {
    Allocate(EventKind::kMemalign, result, size, alignment);
  }
  void Realloc(uint64_t result, uint64_t old, uint64_t size);
  void Free(uint64_t address);

  bool IsLive(uint64_t address) const { return live_.contains(address); }
  // Bytes asked for at a live address.
  uint64_t SizeAt(uint64_t address) const { return blocks_.SizeOf(live_.at(address)); }

 private:
  void Allocate(EventKind kind, uint64_t result, uint64_t size, uint64_t alignment);

  BlockBuilder& blocks_;
  absl::flat_hash_map<uint64_t, uint32_t> live_;  // address -> object
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IDENTITY_RESOLVER_H_
