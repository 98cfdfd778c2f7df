// A page allocator that thinks of huge pages, as in TCMalloc's Temeraire (Hunter, Kennelly, Turner,
// Gove, Moseley, Ranganathan: Beyond malloc efficiency to fleet efficiency, OSDI 2021).
//
// A request of up to half a huge page goes to the filler (huge_page_filler.h), which takes a huge
// page from the cache when none of its own will do. A larger one takes whole huge pages, and its
// tail is donated to the filler; one of less than a huge page tries the filler first. Where such
// tails come to 64 MiB and more than small requests take, tails would be waste: then requests of up
// to 1 GiB are packed into regions of 1 GiB, best fit, page by page. The cache keeps huge pages
// that became free, so that they need not be broken and made again: 10, or as many as the use of
// huge pages fell and rose again within this second or the last. More than that, the smallest
// ranges first, goes back to the system, and so does a huge page that was already given back in
// part; a huge page of a region as soon as nothing is on it.
//
// Giving back: first the cache, then free pages of huge pages that are in use, the emptiest first,
// whole (subrelease). As there, the tail of a large object on which there is nothing small, and
// free pages among used ones in a region, stay.
//
// Not modelled: skipping of subrelease by recent demand, spans with few objects kept apart (later
// TCMalloc), per-thread and transfer caches above (another axis), MADV_COLLAPSE, the memory of its
// own records. A page is 8 KiB as there. Huge pages show with os.huge_pages.
#ifndef HEAPSIM_HEAP_PAGES_TEMERAIRE_H_
#define HEAPSIM_HEAP_PAGES_TEMERAIRE_H_

#include <cstdint>
#include <vector>

#include "heap/pages/free_ranges.h"
#include "heap/pages/huge_page_filler.h"
#include "heap/pages/run_pages.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

class TemerairePages final : public RunPages {
 public:
  explicit TemerairePages(const PageContext& context);

  // limit 0: as much as Release finds. Else what is whole in the cache or free in a huge page of
  // the filler, and part of a run that was unused for longer.
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) override;
  Bytes Release(Bytes at_most) override;
  void SelfCheck() const override;

  static constexpr uint64_t kSmall = kHugePages / 2;  // pages
  static constexpr uint64_t kRegion = 512;            // huge pages
  static constexpr uint64_t kMinSlack = (64 << 20) / kPageSize;
  static constexpr uint64_t kMinCache = 10;  // huge pages

  // For tests: huge pages in the cache, regions, huge pages that may be in the cache now.
  const FreeRanges& cached() const { return cached_; }
  size_t regions() const { return regions_.size(); }
  uint64_t cache_limit() const { return cache_limit_; }

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
  void TakeHuge(uint64_t first, uint64_t n);
  void FreeInRegion(uint64_t first, uint64_t n);
  // Huge pages that nothing is on come back: to the cache, or, where part of one was given back, to
  // the system.
  void FreeHuge(uint64_t huge, uint64_t n);
  void FreeFilled(uint64_t huge);
  // Gives back huge pages of the cache, the smallest ranges first; the bytes.
  Bytes ShrinkCache(uint64_t huge_pages);
  Bytes Unback(uint64_t huge, uint64_t n);
  Bytes Subrelease(uint64_t huge, uint64_t first, uint64_t n);
  void Use(uint64_t huge_pages);
  void Unuse(uint64_t huge_pages);
  void NextEpoch();
  void SetKind(uint64_t huge, uint64_t n, Kind kind) {
    for (uint64_t h = huge; h < huge + n; ++h) kind_[h] = kind;
  }
  static uint64_t HugeFor(uint64_t n) { return (n + kHugePages - 1) / kHugePages; }

  VirtualArray<Kind> kind_;  // by huge page
  HugePageFiller filler_;
  FreeRanges cached_, unbacked_;  // huge pages
  std::vector<Region> regions_;

  Plan plan_ = Plan::kHuge;
  size_t region_ = 0;  // of the plan
  bool wants_region_ = false;

  uint64_t small_ = 0;  // pages of small requests
  uint64_t slack_ = 0;  // pages that requests of more left of their last huge page

  // Huge pages in use: now, at the last peak of this second, at the lowest since; and the deepest
  // dip that was made up again, in this and in the last second.
  uint64_t usage_ = 0, peak_ = 0, low_ = 0;
  uint64_t dip_ = 0, last_dip_ = 0;
  int64_t epoch_ = 0;
  uint64_t cache_limit_ = kMinCache;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_TEMERAIRE_H_
