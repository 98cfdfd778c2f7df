#include "heap/fixalloc.h"

#include "heap/fatal.h"

namespace heapsim::heap {

FixAlloc::FixAlloc(Bytes size, SysStat stat, Os* os) : size_(size), stat_(stat), os_(os) {
  if (size.v == 0) Throw(FatalCode::kFixAllocSize, "runtime: internal error");
  if (size > kFixAllocChunk) {
    Throw(FatalCode::kFixAllocSize, "runtime: FixAlloc size too large");
  }
  per_chunk_ = static_cast<uint32_t>(kFixAllocChunk.v / size.v);
}

uint32_t FixAlloc::Alloc(bool* fresh) {
  inuse_ += size_;
  if (!free_.empty()) {
    *fresh = false;
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  if (made_ == chunks_.size() * per_chunk_) {
    const Address chunk = os_->Persistent(kFixAllocChunk, Bytes(8), stat_, size_);
    if (chunk.is_null()) {
      Throw(FatalCode::kCannotAllocateMetadata, "runtime: cannot allocate memory");
    }
    chunks_.push_back(chunk);
  }
  *fresh = true;
  const uint32_t index = ++made_;
  os_->Touch(AddressOf(index), size_);
  return index;
}

void FixAlloc::Free(uint32_t index) {
  inuse_ -= size_;
  free_.push_back(index);
}

}  // namespace heapsim::heap
