// What the heap's structures hold, in the words of the models.
#ifndef HEAPSIM_HEAP_NAIVE_HEAP_VIEW_H_
#define HEAPSIM_HEAP_NAIVE_HEAP_VIEW_H_

#include <list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/heap.h"
#include "heap/pages/go110.h"

namespace heapsim::heap::naive {

// The free lists and the treap, as PageModel::FreeSpans gives its own.
inline std::vector<std::string> FreeSpans(const Heap& heap) {
  std::vector<std::string> texts;
  const SpanTable& spans = heap.spans();
  const auto add = [&](SpanId id, absl::string_view where) {
    const Span& s = spans[id];
    texts.push_back(absl::StrCat(where, " ", id, " ", spans.PageIndex(s.address()), " ", s.npages,
                                 " ", s.npreleased, " ", s.unusedsince, " ", s.needzero ? 1 : 0));
  };
  for (uint32_t n = 0; n < kMaxHeapList; ++n) {
    for (SpanId id = spans.First(static_cast<ListId>(kFreeLists + n)); id != kNoSpan;
         id = spans[id].next) {
      add(id, "list");
    }
  }
  static_cast<const Go110Pages&>(heap.pages())
      .treap()
      .Walk([&](uint32_t depth, SpanId id, uint32_t priority) {
        add(id, absl::StrCat("treap ", depth, " ", priority));
      });
  return texts;
}

inline std::list<SpanId> Members(const Heap& heap, uint32_t list) {
  std::list<SpanId> ids;
  for (SpanId id = heap.spans().First(static_cast<ListId>(list)); id != kNoSpan;
       id = heap.spans()[id].next) {
    ids.push_back(id);
  }
  return ids;
}

}  // namespace heapsim::heap::naive

#endif  // HEAPSIM_HEAP_NAIVE_HEAP_VIEW_H_
