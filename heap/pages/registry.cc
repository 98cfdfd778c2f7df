#include "heap/pages/registry.h"

#include "heap/pages/best_fit.h"
#include "heap/pages/buddy.h"
#include "heap/pages/extents.h"
#include "heap/pages/first_fit.h"
#include "heap/pages/go110.h"
#include "heap/pages/go119_pages.h"
#include "heap/pages/next_fit.h"
#include "heap/pages/temeraire.h"
#include "heap/pages/worst_fit.h"

namespace heapsim::heap {
namespace {

template <typename Allocator>
std::unique_ptr<PageAllocator> Make(const PageContext& context) {
  return std::make_unique<Allocator>(context);
}

constexpr PagesKind kKinds[] = {
    {"go110", Make<Go110Pages>},          // lists and treap
    {"best_fit", Make<BestFitPages>},     // shortest run
    {"first_fit", Make<FirstFitPages>},   // lowest run
    {"next_fit", Make<NextFitPages>},     // roving pointer
    {"worst_fit", Make<WorstFitPages>},   // longest run
    {"buddy", Make<BuddyPages>},          // powers of two
    {"go119", Make<Go119Pages>},          // bitmap and page caches
    {"extents", Make<ExtentPages>},       // dirty, muzzy, retained
    {"temeraire", Make<TemerairePages>},  // by huge pages
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
