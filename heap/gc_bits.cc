#include "heap/gc_bits.h"

#include <utility>

#include "heap/fatal.h"

namespace heapsim::heap {

Address GcBitsArenas::NewMarkBits(uint32_t slots) {
  const Bytes need((uint64_t{slots} + 63) / 64 * 8);
  if (need > kArena - kHeader) Throw(FatalCode::kMarkBitsOverflow, "markBits overflow");
  if (next_.empty() || used_ + need > kArena - kHeader) NewArena();
  const Address p = next_.back() + kHeader + used_;
  used_ += need;
  os_->Touch(p, need);
  return p;
}

void GcBitsArenas::NewArena() {
  if (free_.empty()) {
    const Address fresh = os_->Alloc(kArena, SysStat::kGc);
    if (fresh.is_null()) {
      Throw(FatalCode::kCannotAllocateMetadata, "runtime: cannot allocate memory");
    }
    stats_->gc_sys += kArena.v;
    next_.push_back(fresh);
    os_->Touch(fresh, kHeader);
  } else {
    next_.push_back(free_.back());
    free_.pop_back();
    os_->Touch(next_.back(), kArena);  // cleared before use
  }
  used_ = Bytes(0);
}

void GcBitsArenas::NextEpoch() {
  // The list's head is the arena that was linked last; `previous` goes in front of what is free.
  free_.insert(free_.end(), previous_.begin(), previous_.end());
  previous_ = std::move(current_);
  current_ = std::move(next_);
  next_.clear();
}

}  // namespace heapsim::heap
