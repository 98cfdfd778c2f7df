// The page allocators by name.
#ifndef HEAPSIM_HEAP_PAGES_REGISTRY_H_
#define HEAPSIM_HEAP_PAGES_REGISTRY_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "heap/pages/page_allocator.h"

namespace heapsim::heap {

using PagesFactory = std::unique_ptr<PageAllocator> (*)(const PageContext& context);

struct PagesKind {
  absl::string_view name;  // as the policy's choice: PAGE_ALLOCATOR_GO110 is "go110"
  PagesFactory make;
};

absl::Span<const PagesKind> AllPages();

// Null where there is none of that name.
PagesFactory MakePages(absl::string_view name);

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_REGISTRY_H_
