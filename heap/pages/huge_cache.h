// Huge pages that nothing is on, kept for the next who wants some (TCMalloc's HugeCache).
//
// How many it may hold follows demand. A request that it cannot serve shows a dip: use fell by some
// huge pages within the last second and now rises again. The cache should have bridged it, so the
// limit becomes the dip and a tenth more, where that is higher than it is (MaybeGrowCacheLimit).
// When 2 seconds have passed since it was last raised or looked at, and at every release
// (ReleaseCached), if the least that the cache held in the last 2 seconds is a fifth of it or more,
// half of that least is taken off; it never falls below 10 (MaybeShrinkCacheLimit). Beyond the
// limit the shortest ranges go back first, the last one in part (ShrinkCache).
//
// A range is the shortest that fits, the lowest among equals. TCMalloc looks along one path down a
// treap with random priorities, which may find another.
#ifndef HEAPSIM_HEAP_PAGES_HUGE_CACHE_H_
#define HEAPSIM_HEAP_PAGES_HUGE_CACHE_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "heap/pages/free_ranges.h"
#include "heap/pages/recent_extremes.h"
#include "heap/seams.h"

namespace heapsim::heap {

// All numbers are huge pages.
class HugeCache {
 public:
  static constexpr uint64_t kMinLimit = 10;
  // Gives these back to the system; they are the cache's no more.
  using Unback = absl::FunctionRef<void(uint64_t first, uint64_t n)>;

  explicit HugeCache(Clock* clock) : clock_(clock), last_limit_change_(clock->Now()) {}

  // The first of `n` that it has side by side, kNone: there are none.
  uint64_t Find(uint64_t n) const { return free_.BestFit(n); }
  // They are used from now on.
  void Take(uint64_t first, uint64_t n);
  // It had none, so `n` others are used from now on.
  void Missed(uint64_t n);
  // Used ones are free again: they come into the cache, and what is too much goes.
  void Release(uint64_t first, uint64_t n, Unback unback);
  // The same for what was given back already, and so does not come into the cache.
  void ReleaseUnbacked(uint64_t n);
  // Gives back at least `n`, as far as there are; how many.
  uint64_t ReleaseCached(uint64_t n, Unback unback);
  // These leave the cache, whoever wants them to.
  void Drop(uint64_t first, uint64_t n);

  const FreeRanges& free() const { return free_; }
  uint64_t limit() const { return limit_; }
  uint64_t usage() const { return usage_; }  // in use: taken and not yet released

 private:
  static constexpr int64_t kCacheTime = 1'000'000'000;

  void MaybeGrowLimit();
  uint64_t MaybeShrinkLimit(Unback unback);
  uint64_t ShrinkTo(uint64_t target, Unback unback);
  void IncUsage(uint64_t n);
  void DecUsage(uint64_t n);
  void ReportSize() { size_seen_.Report(clock_->Now(), free_.total()); }

  Clock* clock_;
  FreeRanges free_;
  uint64_t limit_ = kMinLimit;
  uint64_t usage_ = 0;
  int64_t last_limit_change_;
  // Use, by how much it was below the last second's peak, and what was in the cache.
  RecentExtremes<16> usage_seen_{2 * kCacheTime}, off_peak_seen_{2 * kCacheTime},
      size_seen_{2 * kCacheTime};
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_HUGE_CACHE_H_
