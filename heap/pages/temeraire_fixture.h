// A heap on Temeraire's pages, for its tests.
#ifndef HEAPSIM_HEAP_PAGES_TEMERAIRE_FIXTURE_H_
#define HEAPSIM_HEAP_PAGES_TEMERAIRE_FIXTURE_H_

#include <memory>

#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/pages/temeraire.h"

namespace heapsim::heap {

struct TemeraireFixture {
  explicit TemeraireFixture(uint64_t arena_bytes = uint64_t{8} << 30, int64_t skip = 60'000'000'000)
      : layout(SmallLayout(Bytes(arena_bytes))), fakes(layout.start) {
    HeapOptions options;
    options.layout = layout;
    options.pages.skip_subrelease_ns = skip;
    heap = std::make_unique<Heap>(options, fakes.seams(),
                                  [](const PageContext& c) -> std::unique_ptr<PageAllocator> {
                                    return std::make_unique<TemerairePages>(c);
                                  });
    fakes.os.calls.clear();
  }
  const TemerairePages& pages() const { return static_cast<const TemerairePages&>(heap->pages()); }
  SpanId Take(uint64_t n) { return heap->AllocateManual(Pages(n), SpanKind::kStack); }
  uint64_t PageOf(SpanId id) const { return heap->spans().PageIndex(heap->spans()[id].address()); }
  void Give(SpanId id) { heap->FreeManual(id, SpanKind::kStack); }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_TEMERAIRE_FIXTURE_H_
