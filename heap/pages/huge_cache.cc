#include "heap/pages/huge_cache.h"

#include <algorithm>

namespace heapsim::heap {

void HugeCache::Take(uint64_t first, uint64_t n) {
  free_.Remove(first, n);
  ReportSize();
  IncUsage(n);
}

void HugeCache::Missed(uint64_t n) {
  IncUsage(n);
  MaybeGrowLimit();
}

void HugeCache::Release(uint64_t first, uint64_t n, Unback unback) {
  DecUsage(n);
  free_.Add(first, n);
  // The limit first, so that fewer ranges are broken.
  if (clock_->Now() - last_limit_change_ > 2 * kCacheTime) MaybeShrinkLimit(unback);
  ShrinkTo(limit_, unback);
  ReportSize();
}

void HugeCache::ReleaseUnbacked(uint64_t n) { DecUsage(n); }

uint64_t HugeCache::ReleaseCached(uint64_t n, Unback unback) {
  uint64_t released = MaybeShrinkLimit(unback);
  if (released < n) {
    const uint64_t more = n - released;
    released += ShrinkTo(free_.total() > more ? free_.total() - more : 0, unback);
  }
  ReportSize();
  return released;
}

void HugeCache::Drop(uint64_t first, uint64_t n) {
  free_.Remove(first, n);
  ReportSize();
}

void HugeCache::MaybeGrowLimit() {
  // Down within the last second or so, and up again. That the fall came before the rise is not
  // known, as there.
  const uint64_t shrink = off_peak_seen_.Max(kCacheTime);
  const uint64_t grow = usage_ - usage_seen_.Min(kCacheTime);
  const uint64_t dip = std::min(shrink, grow);
  const uint64_t limit = dip + dip / 10;
  if (limit <= limit_) return;
  last_limit_change_ = clock_->Now();
  limit_ = limit;
}

uint64_t HugeCache::MaybeShrinkLimit(Unback unback) {
  last_limit_change_ = clock_->Now();
  const uint64_t least = size_seen_.Min(2 * kCacheTime);
  if (least < limit_ / 5) return 0;
  const uint64_t drop = std::max<uint64_t>(least / 2, 1);
  limit_ = std::max(limit_ <= drop ? 0 : limit_ - drop, kMinLimit);
  return ShrinkTo(limit_, unback);
}

uint64_t HugeCache::ShrinkTo(uint64_t target, Unback unback) {
  uint64_t removed = 0;
  while (free_.total() > target) {
    const uint64_t first = free_.BestFit(1);
    const uint64_t n = std::min(free_.total() - target, free_.LengthFrom(first));
    free_.Remove(first, n);
    removed += n;
    unback(first, n);
  }
  return removed;
}

void HugeCache::IncUsage(uint64_t n) {
  usage_ += n;
  const int64_t now = clock_->Now();
  usage_seen_.Report(now, usage_);
  off_peak_seen_.Report(now, 0);
}

void HugeCache::DecUsage(uint64_t n) {
  usage_ -= n;
  const int64_t now = clock_->Now();
  usage_seen_.Report(now, usage_);
  off_peak_seen_.Report(now, usage_seen_.Max(kCacheTime) - usage_);
}

}  // namespace heapsim::heap
