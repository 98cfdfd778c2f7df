// Go 1.19's page level in the place of Go 1.10's: the bitmap with its radix tree, the page caches
// of the Ps, growth by 4 MiB out of arenas of 64 MiB, assists of allocations, the scavenger's
// order.
//
// All decisions are those of heap/pages/go119, which matches logs of the real runtime; here its
// answers become spans. What it does not keep (a free run has no descriptor there) is the
// simulator's own. Not modelled: that address space is reserved in pieces (the arena is one), that
// stacks and work buffers count apart in its goals, that a P's cache comes back when the number of
// Ps falls. How much to retain is the release rule's business; without one nothing is scavenged.
#ifndef HEAPSIM_HEAP_PAGES_GO119_PAGES_H_
#define HEAPSIM_HEAP_PAGES_GO119_PAGES_H_

#include <cstdint>

#include "heap/pages/go119/address_space.h"
#include "heap/pages/go119/page_heap.h"
#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class Go119Pages final : public RunPages {
 public:
  // Without Ps (context.procs 0) there are no page caches.
  explicit Go119Pages(const PageContext& context);

  // Everything for limit 0, as the runtime's freeOSMemory, but for what the page caches hold: 1.19
  // flushes them only when a P goes (p.destroy). It knows no ages: those of the runs that its pages
  // are part of count.
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  // In its own pieces, that do not break huge pages.
  Bytes Release(Bytes at_most) override;
  void SelfCheck() const override;

  const go119::PageHeap& heap() const { return heap_; }

 private:
  // Takes its addresses from the arena.
  class Space final : public go119::AddressSpace {
   public:
    explicit Space(Go119Pages* pages) : pages_(pages), reserved_(pages->end_page()) {}
    go119::AddressRange Reserve(Bytes ask) override;
    void Map(go119::AddressRange range) override;

   private:
    Go119Pages* pages_;
    uint64_t reserved_;  // pages from the arena's start
  };
  class Listener final : public go119::PageObserver {
   public:
    explicit Listener(Go119Pages* pages) : pages_(pages) {}
    void GivingBack(go119::PageBitmap::Piece piece) override;
    void GrowBegin(int32_t proc, uint64_t npages, Bytes ask) override;
    void GrowEnd(int32_t proc, Bytes grown, go119::AddressRange rest) override;

   private:
    Go119Pages* pages_;
  };

  uint64_t Choose(uint64_t n) override;
  // It has grown in Choose, if it could.
  Growth GrowthFor(uint64_t n) const override;
  void Freed(uint64_t first, uint64_t n) override;
  bool NeedsZero(uint64_t first, uint64_t n, bool run_says) override;
  uint64_t PageOf(Address a) const { return (a - At(0)).v >> kPageShift; }

  Space space_;
  Listener listener_;
  go119::Surroundings surroundings_;
  go119::PageHeap heap_;
  bool needzero_ = false;  // of what was chosen last
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_GO119_PAGES_H_
