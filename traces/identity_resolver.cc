#include "traces/identity_resolver.h"

namespace heapsim::traces {

void IdentityResolver::Allocate(EventKind kind, uint64_t result, uint64_t size,
                                uint64_t alignment) {
  if (result == 0) {
    blocks_.Failed(kind, size, alignment);
    return;
  }
  const auto [it, fresh] = live_.try_emplace(result, kNoObject);
  it->second = blocks_.Alloc(kind, size, alignment, it->second);
}

void IdentityResolver::Realloc(uint64_t result, uint64_t old, uint64_t size) {
  const auto it = old == 0 ? live_.end() : live_.find(old);
  if (it == live_.end()) {
    // Of null, or of a block that was there before the recording.
    Allocate(EventKind::kRealloc, result, size, 0);
    return;
  }
  const uint32_t id = it->second;
  if (result == 0) {
    if (size == 0) {
      live_.erase(it);
      blocks_.Free(id, EventKind::kReallocFree);
    } else {
      blocks_.Failed(EventKind::kRealloc, size);
    }
    return;
  }
  uint32_t dropped = kNoObject;
  if (result != old) {
    live_.erase(it);
    const auto [target, fresh] = live_.try_emplace(result, id);
    if (!fresh) {
      dropped = target->second;
      target->second = id;
    }
  }
  blocks_.Resize(id, size, dropped);
}

void IdentityResolver::Free(uint64_t address) {
  if (address == 0) {
    blocks_.FreeNothing(EventKind::kFreeNull);
    return;
  }
  const auto it = live_.find(address);
  if (it == live_.end()) {
    blocks_.FreeNothing(EventKind::kFreeUnknown);
    return;
  }
  const uint32_t id = it->second;
  live_.erase(it);
  blocks_.Free(id);
}

}  // namespace heapsim::traces
