// A page allocator that thinks of huge pages, as TCMalloc's Temeraire (Hunter, Kennelly, Turner,
// Gove, Moseley, Ranganathan: Beyond malloc efficiency to fleet efficiency, OSDI 2021), compared
// rule by rule with the source of the month the paper came out: google/tcmalloc at 72512f0f65ff
// (2021-07-18). Names in brackets are that source's.
//
// - A request of up to half a huge page goes to the filler (huge_page_filler.h), which takes a huge
//   page from the cache when none of its own will do (AllocSmall, RefillFiller).
// - A larger one takes whole huge pages, and its tail is donated to the filler
//   (AllocRawHugepages). One of less than a huge page tries the filler first; one that is not a
//   whole number of huge pages, and no more than 1 GiB, tries the regions (AllocLarge).
// - A region is 1 GiB in which requests are packed page by page, the shortest range that fits.
//   One is made where tails come to 64 MiB and more than small requests take: then they would be
//   waste (AllocLarge; both are counted for all requests, those in regions too: PageAllocInfo). A
//   request looks at the regions in the order of their longest free range, the shortest first;
//   a region changes its place only when it has to (HugeRegionSet::Fix). Huge pages of a region go
//   back as soon as nothing is on them (HugeRegion::Put).
// - The cache keeps huge pages that became free, so that they need not be broken and made again
//   (huge_cache.h). A huge page that was given back in part goes back whole when it is empty, and
//   not into the cache (ReleaseHugepage).
// - Giving back (ReleaseAtLeastNPages): first the cache, in whole huge pages, then free pages of
//   huge pages in use (subrelease), but only as far as what the filler has mapped stays at the
//   peak of demand in the last minute (GetDesiredSubreleasePages). A limit on memory spares
//   nothing (ReleaseAtLeastNPagesBreakingHugepages), and so does a forced release here.
// - Free pages among used ones in a region stay: nothing there gives them back.
//
// Not modelled: the approximate fit of the cache and of unused address space (true best fit here);
// growth downwards from the top of 1 GiB mappings (the arena grows upwards); that a release
// counts what was given back since the last one (unmapping_unaccounted_); the page heaps of sampled
// objects and of NUMA nodes; MADV_REMOVE, which is tried first there; the memory of its own
// records. Later versions have what this one has not: spans with few objects kept apart, lifetimes,
// regions used more often, MADV_COLLAPSE. A page is 8 KiB as there. Huge pages show with
// os.huge_pages.
#ifndef HEAPSIM_HEAP_PAGES_TEMERAIRE_H_
#define HEAPSIM_HEAP_PAGES_TEMERAIRE_H_

#include <cstdint>
#include <vector>

#include "heap/pages/free_ranges.h"
#include "heap/pages/huge_cache.h"
#include "heap/pages/huge_page_filler.h"
#include "heap/pages/run_pages.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

class TemerairePages final : public RunPages {
 public:
  explicit TemerairePages(const PageContext& context);

  // limit 0: all of the cache, and all free pages of the filler. Else what is whole in the cache or
  // free in a huge page of the filler, and part of a run that was unused for longer; it knows no
  // ages, those of the runs count.
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  Bytes Release(Bytes at_most) override;
  Bytes ReleaseForLimit(Bytes at_most) override;
  void SelfCheck() const override;

  static constexpr uint64_t kSmall = kHugePages / 2;  // pages
  static constexpr uint64_t kRegion = 512;            // huge pages
  static constexpr uint64_t kMinSlack = (64 << 20) / kPageSize;

  // For tests.
  const HugeCache& cache() const { return cache_; }
  size_t regions() const { return regions_.size(); }

 private:
  // What a huge page is.
  enum Kind : uint8_t { kFree, kFiller, kWhole, kInRegion };
  // What was decided for the request at hand.
  enum class Plan : uint8_t { kFiller, kRegion, kHuge };
  struct Region {
    uint64_t first;   // huge page
    FreeRanges free;  // pages
  };

  uint64_t Choose(uint64_t n) override;
  Growth GrowthFor(uint64_t n) const override;
  void Taken(uint64_t first, uint64_t n) override;
  void Freed(uint64_t first, uint64_t n) override;
  void Grown(uint64_t first, uint64_t n) override {
    unbacked_.Add(first / kHugePages, n / kHugePages);
  }

  bool WantsRegion() const { return slack_ >= kMinSlack && slack_ >= small_; }
  uint64_t ChooseInRegion(uint64_t n);
  uint64_t ChooseHuge(uint64_t n);
  void TakeInRegion(uint64_t first, uint64_t n);
  void TakeHuge(uint64_t first, uint64_t n);
  void FreeInRegion(uint64_t first, uint64_t n);
  void FreeLarge(uint64_t huge, uint64_t n);
  // The region at a place of the order by longest free range changed: it moves where it belongs.
  void Reorder(size_t place);
  // Huge pages that nothing is on come back: to the cache, or, one that was given back in part, to
  // the system.
  void FreeHuge(uint64_t huge, uint64_t n);
  void FreeFilled(uint64_t huge);
  // Huge pages that left the cache go back; in pages.
  void UnbackCached(uint64_t huge, uint64_t n);
  // Gives back free pages of the filler until at least `pages` are; how many.
  Bytes BreakHugePages(uint64_t pages);
  // Of free pages of one huge page of the filler those that are not given back yet.
  Bytes Subrelease(uint64_t huge, uint64_t first, uint64_t n);
  void SetKind(uint64_t huge, uint64_t n, Kind kind) {
    for (uint64_t h = huge; h < huge + n; ++h) kind_[h] = kind;
  }
  uint64_t& SlackOrSmall(uint64_t n) { return n <= kSmall ? small_ : slack_; }
  // What a request adds to it.
  static uint64_t SlackOrSmallOf(uint64_t n) {
    return n <= kSmall ? n : HugeFor(n) * kHugePages - n;
  }
  static uint64_t HugeFor(uint64_t n) { return (n + kHugePages - 1) / kHugePages; }

  VirtualArray<Kind> kind_;  // by huge page
  HugePageFiller filler_;
  HugeCache cache_;
  FreeRanges unbacked_;  // huge pages that nobody uses and that are not backed
  std::vector<Region> regions_;
  std::vector<uint32_t> region_order_;  // by longest free range

  Plan plan_ = Plan::kHuge;
  HugePageFiller::Place place_;  // of the plan
  size_t region_ = 0;            // of the plan, its place in the order
  bool wants_region_ = false;

  uint64_t small_ = 0;  // pages of small requests
  uint64_t slack_ = 0;  // pages that requests of more left, or would leave, of their last huge page
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_TEMERAIRE_H_
