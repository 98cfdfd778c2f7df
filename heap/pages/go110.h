// Go 1.10's page heap: a list a length for free spans of fewer than 128 pages, the treap for longer
// ones, trimming, coalescing, growth from the arena, and the scavenger (the runtime's mheap.go).
#ifndef HEAPSIM_HEAP_PAGES_GO110_H_
#define HEAPSIM_HEAP_PAGES_GO110_H_

#include <cstdint>

#include "heap/pages/page_allocator.h"
#include "heap/pages/released_pages.h"
#include "heap/pages/treap.h"

namespace heapsim::heap {

class Go110Pages final : public PageAllocator {
 public:
  explicit Go110Pages(const PageContext& context);

  PageRun Allocate(Pages npages) override;
  void Free(SpanId span, bool account_inuse, FreeCause cause) override;
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  // Not in the runtime of that age, which knows idle spans only.
  Bytes Release(Bytes at_most) override;
  Bytes FreeUnreleased() const override {
    return Bytes(c_.stats->heap_idle - c_.stats->heap_released);
  }
  void ForEachFree(absl::FunctionRef<void(const FreeRun&)> visit) const override;
  Pages LargestFree() const override;
  void SelfCheck() const override;

  const Treap& treap() const { return treap_; }

 private:
  // False, with what was asked for last, where there is no memory.
  bool Grow(Pages npages, Bytes* ask);
  // Coalesces and files a span (freeSpanLocked in the runtime). unusedsince 0: the clock is read.
  void FreeSpan(SpanId id, bool account_inuse, bool account_idle, int64_t unusedsince,
                FreeCause cause);
  void Unfile(SpanId id);  // takes a free span out of its list or the treap
  Bytes ScavengeSpan(SpanId id, uint64_t now, uint64_t limit);

  PageContext c_;
  SpanTable& spans_;
  Treap treap_;
  ReleasedPages released_;    // of free spans
  uint64_t release_end_ = 0;  // no page from here on is free and could be given back
  uint64_t listed_[kMaxHeapList / 64] =
      {};  // bit n: the list of n pages may have a span, so that a search skips empty ones
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_GO110_H_
