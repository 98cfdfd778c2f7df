#include "heap/pages/registry.h"

#include "heap/pages/go110.h"

namespace heapsim::heap {
namespace {

template <typename Allocator>
std::unique_ptr<PageAllocator> Make(const PageContext& context) {
  return std::make_unique<Allocator>(context);
}

constexpr PagesKind kKinds[] = {
    {"go110", Make<Go110Pages>},
};

}  // namespace

absl::Span<const PagesKind> AllPages() { return kKinds; }

PagesFactory MakePages(absl::string_view name) {
  for (const PagesKind& kind : kKinds) {
    if (kind.name == name) return kind.make;
  }
  return nullptr;
}

}  // namespace heapsim::heap
