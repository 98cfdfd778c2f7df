#include "sim/conform/go110/surroundings.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sim/conform/go110/names.h"

namespace heapsim::sim::go110 {
namespace {

constexpr size_t kNeighbours = 4;  // on each side

std::string Line(const heap::Heap& heap, heap::SpanId id) {
  const heap::Span& s = heap.spans()[id];
  std::string text = absl::StrCat(absl::Hex(s.base - heap.arena().start().v), " ", s.npages,
                                  " pages, ", Name(s.state));
  if (s.state == heap::SpanState::kInUse) {
    absl::StrAppend(&text, ", span class ", static_cast<int>(s.span_class), ", ", s.alloc_count,
                    " of ", s.nelems, " slots, free index ", s.free_index, ", sweepgen ",
                    s.sweepgen, s.incache ? ", in the cache" : "");
  } else if (s.state == heap::SpanState::kFree) {
    absl::StrAppend(&text, ", released ", s.npreleased, ", unused since ", s.unusedsince);
  }
  absl::StrAppend(&text, ", needzero ", s.needzero ? 1 : 0, ", handle ",
                  absl::Hex(heap.DescriptorAddress(id).v));
  return text;
}

// All spans in order of address. Pages inside free spans name no span that counts, so it goes from
// span to span.
std::vector<heap::SpanId> SpansInOrder(const heap::Heap& heap) {
  std::vector<heap::SpanId> ids;
  const heap::SpanTable& spans = heap.spans();
  const uint64_t end = spans.PageIndex(heap.arena().used());
  for (uint64_t page = 0; page < end;) {
    const heap::SpanId id = spans.AtPage(page);
    if (id == heap::kNoSpan || spans.PageIndex(spans[id].address()) != page ||
        spans[id].npages == 0) {
      ++page;  // in the middle of an operation
      continue;
    }
    ids.push_back(id);
    page += spans[id].npages;
  }
  return ids;
}

}  // namespace

void TreapSearch::Record(const heap::Heap& heap, const heap::Go110Pages& pages,
                         heap::Pages request) {
  request_ = request;
  path_.clear();
  pages.treap().WalkSearch(request, [&](heap::SpanId id, uint32_t priority) {
    const heap::Span& s = heap.spans()[id];
    path_.push_back({s.base, s.npages, heap.DescriptorAddress(id).v, priority});
  });
}

std::string Surroundings(const heap::Heap& heap, const TreapSearch& search, heap::Address about) {
  const uint64_t start = heap.arena().start().v;
  std::string text = absl::StrCat("spans around ", absl::Hex(about.v - start), ":\n");
  const std::vector<heap::SpanId> ids = SpansInOrder(heap);
  const size_t after =
      std::upper_bound(ids.begin(), ids.end(), about.v,
                       [&](uint64_t a, heap::SpanId id) { return a < heap.spans()[id].base; }) -
      ids.begin();
  const size_t first = after > kNeighbours ? after - kNeighbours - 1 : 0;
  for (size_t i = first; i < std::min(ids.size(), after + kNeighbours); ++i) {
    absl::StrAppend(&text, i + 1 == after ? "> " : "  ", Line(heap, ids[i]), "\n");
  }
  if (search.request().v == 0) return text;
  absl::StrAppend(&text, "treap path of the last request, ", search.request().v, " pages:\n");
  for (const TreapSearch::Node& node : search.path()) {
    absl::StrAppend(&text, "  ", absl::Hex(node.base - start), " ", node.npages, " pages, handle ",
                    absl::Hex(node.descriptor), ", priority ", node.priority, "\n");
  }
  if (search.path().empty()) absl::StrAppend(&text, "  the treap was empty\n");
  return text;
}

}  // namespace heapsim::sim::go110
