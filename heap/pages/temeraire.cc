#include "heap/pages/temeraire.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr int64_t kEpoch = 1'000'000'000;

}  // namespace

TemerairePages::TemerairePages(const PageContext& context)
    : RunPages(context, {.descriptors = false,
                         .fresh_released = true,
                         .huge_advice = false,
                         .whole_os_pages = false}),
      kind_(((context.arena->layout().end - context.arena->start()).v >> kPageShift) / kHugePages +
            2),
      filler_(context.arena->layout()) {}

// ---------------------------------------------------------------- choosing

uint64_t TemerairePages::Choose(uint64_t n) {
  wants_region_ = false;
  if (n < kHugePages) {
    const HugePageFiller::Place place = filler_.Find(static_cast<uint32_t>(n));
    if (place.found) {
      plan_ = Plan::kFiller;
      return place.huge * kHugePages + place.page;
    }
  }
  if (n > kSmall && n % kHugePages != 0 && n <= kRegion * kHugePages) {
    const uint64_t first = ChooseInRegion(n);
    if (first != kNoPage) return first;
    if (WantsRegion()) {
      const uint64_t huge = unbacked_.BestFit(kRegion);
      if (huge != FreeRanges::kNone) {
        unbacked_.Remove(huge, kRegion);
        SetKind(huge, kRegion, kInRegion);
        regions_.push_back({huge, {}});
        regions_.back().free.Add(huge * kHugePages, kRegion * kHugePages);
        return ChooseInRegion(n);
      }
      // One more try with a larger arena; where it has no room for a region, huge pages will do.
      wants_region_ = true;
      if (end_page() + kRegion * kHugePages <= (context().arena->layout().end - At(0)).v >>
          kPageShift) {
        return kNoPage;
      }
    }
  }
  return ChooseHuge(n);
}

uint64_t TemerairePages::ChooseInRegion(uint64_t n) {
  // The region with the least room that is enough, the oldest among equals.
  size_t best = regions_.size();
  for (size_t i = 0; i < regions_.size(); ++i) {
    const uint64_t longest = regions_[i].free.Longest();
    if (longest < n) continue;
    if (best == regions_.size() || longest < regions_[best].free.Longest()) best = i;
  }
  if (best == regions_.size()) return kNoPage;
  plan_ = Plan::kRegion;
  region_ = best;
  return regions_[best].free.BestFit(n);
}

uint64_t TemerairePages::ChooseHuge(uint64_t n) {
  plan_ = Plan::kHuge;
  uint64_t huge = cached_.BestFit(HugeFor(n));
  if (huge == FreeRanges::kNone) huge = unbacked_.BestFit(HugeFor(n));
  return huge == FreeRanges::kNone ? kNoPage : huge * kHugePages;
}

RunPages::Growth TemerairePages::GrowthFor(uint64_t n) const {
  const uint64_t less = RoundUp(n, kHugePages);
  const uint64_t chunk = RoundUp(context().chunk.v >> kPageShift, kHugePages);
  return {std::max(wants_region_ ? kRegion * kHugePages : less, chunk), less};
}

// ---------------------------------------------------------------- taking

void TemerairePages::Taken(uint64_t first, uint64_t n) {
  switch (plan_) {
    case Plan::kFiller:
      filler_.Take(static_cast<uint32_t>(first / kHugePages),
                   static_cast<uint32_t>(first % kHugePages), static_cast<uint32_t>(n),
                   static_cast<uint32_t>(released().Count(first, n)));
      break;
    case Plan::kRegion:
      regions_[region_].free.Remove(first, n);
      // It takes huge pages as they come; what else is on them is there then.
      for (uint64_t h = first / kHugePages; h * kHugePages < first + n; ++h) {
        const uint64_t begin = std::max(first, h * kHugePages);
        const uint64_t end = std::min(first + n, (h + 1) * kHugePages);
        if (end - begin < kHugePages) NoteBacked(h * kHugePages, kHugePages);
      }
      return;
    case Plan::kHuge:
      TakeHuge(first, n);
      break;
  }
  (n <= kSmall ? small_ : slack_) += n <= kSmall ? n : HugeFor(n) * kHugePages - n;
}

void TemerairePages::TakeHuge(uint64_t first, uint64_t n) {
  const uint64_t huge = first / kHugePages, count = HugeFor(n);
  (cached_.Covers(huge, count) ? cached_ : unbacked_).Remove(huge, count);
  Use(count);
  SetKind(huge, count, kWhole);
  const uint64_t tail = count * kHugePages - n;
  if (tail == 0) return;
  // The whole of the last huge page counts as there from now on.
  const uint64_t last = huge + count - 1;
  NoteBacked(last * kHugePages, kHugePages);
  kind_[last] = kFiller;
  filler_.Contribute(static_cast<uint32_t>(last), static_cast<uint32_t>(kHugePages - tail),
                     n > kSmall);
}

// ---------------------------------------------------------------- freeing

void TemerairePages::Freed(uint64_t first, uint64_t n) {
  const uint64_t huge = first / kHugePages, count = HugeFor(n);
  if (kind_[huge] == kInRegion) {
    FreeInRegion(first, n);
    return;
  }
  (n <= kSmall ? small_ : slack_) -= n <= kSmall ? n : count * kHugePages - n;
  if (kind_[huge] == kFiller) {
    if (filler_.Give(static_cast<uint32_t>(huge), static_cast<uint32_t>(first % kHugePages),
                     static_cast<uint32_t>(n))) {
      FreeFilled(huge);
    }
    return;
  }
  const uint64_t tail = count * kHugePages - n;
  if (tail == 0) {
    FreeHuge(huge, count);
    return;
  }
  // The last huge page may have small things on it by now.
  const uint32_t last = static_cast<uint32_t>(huge + count - 1);
  const bool empty = filler_.Give(last, 0, static_cast<uint32_t>(kHugePages - tail));
  const bool broken = empty && filler_.released(last) != 0;
  FreeHuge(huge, empty && !broken ? count : count - 1);
  if (broken) FreeFilled(last);
}

void TemerairePages::FreeInRegion(uint64_t first, uint64_t n) {
  for (Region& r : regions_) {
    if (first < r.first * kHugePages || first >= (r.first + kRegion) * kHugePages) continue;
    r.free.Add(first, n);
    for (uint64_t h = first / kHugePages; h * kHugePages < first + n; ++h) {
      if (r.free.Covers(h * kHugePages, kHugePages)) Unback(h, 1);
    }
  }
}

void TemerairePages::FreeFilled(uint64_t huge) {
  if (filler_.released(static_cast<uint32_t>(huge)) == 0) {
    FreeHuge(huge, 1);
    return;
  }
  Unuse(1);
  kind_[huge] = kFree;
  Unback(huge, 1);
  unbacked_.Add(huge, 1);
}

void TemerairePages::FreeHuge(uint64_t huge, uint64_t n) {
  Unuse(n);
  SetKind(huge, n, kFree);
  cached_.Add(huge, n);
  if (cached_.total() > cache_limit_) ShrinkCache(cached_.total() - cache_limit_);
}

// ---------------------------------------------------------------- the cache

void TemerairePages::NextEpoch() {
  const int64_t now = context().clock->Now() / kEpoch;
  if (now == epoch_) return;
  last_dip_ = now == epoch_ + 1 ? dip_ : 0;
  dip_ = 0;
  peak_ = low_ = usage_;
  epoch_ = now;
  cache_limit_ = std::max(kMinCache, last_dip_);
}

void TemerairePages::Use(uint64_t huge_pages) {
  NextEpoch();
  usage_ += huge_pages;
  dip_ = std::max(dip_, std::min(peak_, usage_) - low_);
  if (usage_ >= peak_) peak_ = low_ = usage_;
  cache_limit_ = std::max({kMinCache, dip_, last_dip_});
}

void TemerairePages::Unuse(uint64_t huge_pages) {
  NextEpoch();
  usage_ -= huge_pages;
  low_ = std::min(low_, usage_);
}

Bytes TemerairePages::ShrinkCache(uint64_t huge_pages) {
  Bytes fresh;
  while (huge_pages > 0 && cached_.total() != 0) {
    const uint64_t first = cached_.BestFit(1);
    const uint64_t n = std::min(huge_pages, cached_.LengthFrom(first));
    cached_.Remove(first, n);
    fresh += Unback(first, n);
    unbacked_.Add(first, n);
    huge_pages -= n;
  }
  return fresh;
}

// ---------------------------------------------------------------- giving back

Bytes TemerairePages::Unback(uint64_t huge, uint64_t n) {
  return GiveBack(huge * kHugePages, n * kHugePages);
}

// Free pages of a huge page of the filler.
Bytes TemerairePages::Subrelease(uint64_t huge, uint64_t first, uint64_t n) {
  const Range whole = WholeOsPages(first, n);
  if (whole.n == 0) return Bytes(0);
  const Bytes fresh = GiveBack(whole.first, whole.n);
  if (fresh.v != 0) {
    filler_.NoteReleased(static_cast<uint32_t>(huge), static_cast<uint32_t>(fresh.v >> kPageShift));
  }
  return fresh;
}

Bytes TemerairePages::Release(Bytes at_most) {
  const uint64_t whole = (at_most.v - 1) / (kHugePages * kPageSize) + 1;
  Bytes fresh = ShrinkCache(whole);
  if (fresh >= at_most) return fresh;
  HugePageFiller::Candidate at;
  for (bool more = filler_.NextCandidate(nullptr, &at); more;
       more = filler_.NextCandidate(&at, &at)) {
    const uint32_t huge = at.second;
    std::vector<Range> free;
    filler_.ForEachFree(huge, [&](uint32_t page, uint32_t n) {
      free.push_back({huge * kHugePages + page, n});
    });
    for (const Range& r : free) fresh += Subrelease(huge, r.first, r.n);
    if (fresh >= at_most) break;
  }
  return fresh;
}

Bytes TemerairePages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  context().observer->ScavengeBegin(k, now, limit);
  Bytes fresh;
  if (limit == 0) {
    fresh = Release(Bytes(~uint64_t{0}));
  } else {
    for (const Range& idle : IdleFor(now, limit)) {
      const uint64_t end = idle.first + idle.n;
      for (uint64_t p = idle.first; p < end;) {
        const uint64_t huge = p / kHugePages;
        const uint64_t next = std::min(end, (huge + 1) * kHugePages);
        if (kind_[huge] == kFiller && !filler_.donated(static_cast<uint32_t>(huge))) {
          fresh += Subrelease(huge, p, next - p);
        } else if (kind_[huge] == kFree && next - p == kHugePages && cached_.Covers(huge, 1)) {
          cached_.Remove(huge, 1);
          fresh += Unback(huge, 1);
          unbacked_.Add(huge, 1);
        }
        p = next;
      }
    }
  }
  context().observer->ScavengeEnd(fresh);
  return fresh;
}

// ---------------------------------------------------------------- self-check

void TemerairePages::SelfCheck() const {
  RunPages::SelfCheck();
  uint64_t free = (cached_.total() + unbacked_.total()) * kHugePages;
  for (const Region& r : regions_) free += r.free.total();
  uint64_t in_use = 0;
  for (uint64_t h = 0; h < end_page() / kHugePages; ++h) {
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck, absl::StrCat("huge page ", h, ": ", what));
    };
    const uint64_t given_back = released().Count(h * kHugePages, kHugePages);
    switch (kind_[h]) {
      case kFree:
        if (cached_.Covers(h, 1) == unbacked_.Covers(h, 1)) fail("in both caches, or in none");
        if (given_back != (cached_.Covers(h, 1) ? 0 : kHugePages)) {
          fail("not given back as a whole, or not kept as a whole");
        }
        break;
      case kFiller: {
        const uint32_t huge = static_cast<uint32_t>(h);
        if (!filler_.Has(huge)) fail("the filler does not know it");
        filler_.SelfCheck(huge);
        if (filler_.released(huge) != given_back) fail("released pages are miscounted");
        free += kHugePages - filler_.used(huge);
        ++in_use;
        break;
      }
      case kWhole:
        ++in_use;
        if (given_back != 0) fail("in use, and given back");
        break;
      case kInRegion:
        break;
    }
  }
  if (in_use != usage_) Throw(FatalCode::kSelfCheck, "huge pages in use are miscounted");
  if (Pages(free).bytes().v != context().stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, "filler, regions and caches do not have all that is free");
  }
}

}  // namespace heapsim::heap
