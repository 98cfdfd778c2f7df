// Which object id an allocation gets. The rule is part of the file format: a `.htrace` does not
// store the ids of allocations, since writer and reader both follow it.
//
//   A freed id goes to the end of a queue. An allocation takes the queue's head if more than 1,024
//   ids wait there, else the lowest id never used.
//
// So an id rests for at least 1,024 frees: within 1,024 events an id never means two objects, and a
// replayer may run their frees and their allocations as two lists. Ids stay dense: there are at
// most as many as objects were ever alive at once, plus those that rest.
#ifndef HEAPSIM_TRACES_ID_ALLOCATOR_H_
#define HEAPSIM_TRACES_ID_ALLOCATOR_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace heapsim::traces {

class IdAllocator {
 public:
  static constexpr uint32_t kRest = 1024;
  // Ids at most: the two topmost values are kept for kNoObject and for coding.
  static constexpr uint32_t kMaxIds = 0xfffffffe;

  // Ids handed out so far: all of them lie below.
  uint32_t ids() const { return ids_; }
  uint32_t resting() const { return count_; }

  // Whether Allocate may be called. Needs 2^32 live objects to be false.
  bool HasId() const { return count_ > kRest || ids_ < kMaxIds; }
  uint32_t Allocate() {
    if (count_ <= kRest) return ids_++;
    const uint32_t id = ring_[head_];
    head_ = (head_ + 1) & mask_;
    --count_;
    return id;
  }

  // Whether Free may be called: no more ids can rest than were handed out.
  bool CanFree() const { return count_ < ids_; }
  void Free(uint32_t id) {
    if (count_ == ring_.size()) Grow(uint64_t{count_} + 1);
    ring_[(head_ + count_) & mask_] = id;
    ++count_;
  }

  // Makes room for `frees` calls of Free without growing, which FreeMany and Run need.
  void Reserve(uint32_t frees) {
    // One more, since Run writes where the next freed id would go even when none is freed.
    const uint64_t needed = uint64_t{count_} + frees + 1;
    if (needed > ring_.size()) Grow(needed);
  }
  // `n` times Allocate, all from the queue: resting() >= kRest + n.
  void TakeFromQueue(uint32_t n, uint32_t* out) {
    const uint32_t first = std::min<uint64_t>(n, ring_.size() - head_);
    std::memcpy(out, ring_.data() + head_, size_t{first} * 4);
    std::memcpy(out + first, ring_.data(), size_t{n - first} * 4);
    head_ = (head_ + n) & mask_;
    count_ -= n;
  }
  // `n` times Allocate, all new: resting() <= kRest and HasId() for all of them.
  void TakeNew(uint32_t n, uint32_t* out) {
    for (uint32_t i = 0; i < n; ++i) out[i] = ids_ + i;
    ids_ += n;
  }
  // `n` times Free, after Reserve.
  void FreeMany(uint32_t n, const uint32_t* ids) {
    const uint32_t tail = (head_ + count_) & mask_;
    const uint32_t first = std::min<uint64_t>(n, ring_.size() - tail);
    std::memcpy(ring_.data() + tail, ids, size_t{first} * 4);
    std::memcpy(ring_.data(), ids + first, size_t{n - first} * 4);
    count_ += n;
  }
  // Up to 64 events in order, bit i of `is_free` set: event i frees the next of `frees`, else it
  // allocates into the next of `allocs`. After Reserve. No branch depends on the events, which are
  // as good as random; the price is that one entry past the end of `frees` is read and one past the
  // end of `allocs` is written.
  void Run(uint64_t is_free, uint32_t events, const uint32_t* frees, uint32_t* allocs) {
    uint32_t* const ring = ring_.data();
    const uint32_t mask = mask_;
    uint32_t head = head_, count = count_, ids = ids_;
    for (uint32_t i = 0; i < events; ++i) {
      const uint32_t free = (is_free >> i) & 1;
      const uint32_t alloc = 1 - free;
      ring[(head + count) & mask] = *frees;
      const uint32_t rested = count > kRest;
      const uint32_t oldest = ring[head];
      *allocs = rested ? oldest : ids;
      frees += free;
      allocs += alloc;
      head = (head + (rested & alloc)) & mask;
      count += free - (rested & alloc);
      ids += alloc & (rested ^ 1);
    }
    head_ = head;
    count_ = count;
    ids_ = ids;
  }

 private:
  void Grow(uint64_t needed) {
    uint64_t capacity = ring_.empty() ? 2 * kRest : ring_.size();
    while (capacity < needed) capacity *= 2;
    if (capacity == ring_.size()) capacity *= 2;
    std::vector<uint32_t> bigger(capacity);
    for (uint32_t i = 0; i < count_; ++i) bigger[i] = ring_[(head_ + i) & mask_];
    ring_ = std::move(bigger);
    head_ = 0;
    mask_ = static_cast<uint32_t>(capacity - 1);
  }

  std::vector<uint32_t> ring_;  // the queue: a power of two of entries
  uint32_t mask_ = 0;
  uint32_t head_ = 0;
  uint32_t count_ = 0;
  uint32_t ids_ = 0;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_ID_ALLOCATOR_H_
