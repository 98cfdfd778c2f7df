#include "heap/pages/temeraire.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {

TemerairePages::TemerairePages(const PageContext& context)
    : RunPages(context, {.descriptors = false,
                         .fresh_released = true,
                         .huge_advice = false,
                         .whole_os_pages = false}),
      kind_(((context.arena->layout().end - context.arena->start()).v >> kPageShift) / kHugePages +
            2),
      filler_(context.arena->layout(), context.clock),
      cache_(context.clock) {}

// ---------------------------------------------------------------- choosing

uint64_t TemerairePages::Choose(uint64_t n) {
  wants_region_ = false;
  if (n < kHugePages) {
    place_ = filler_.Find(static_cast<uint32_t>(n));
    if (place_.found) {
      plan_ = Plan::kFiller;
      return place_.huge * kHugePages + place_.page;
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
        // It is free as a whole, and so the last.
        region_order_.push_back(static_cast<uint32_t>(regions_.size() - 1));
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
  for (size_t i = 0; i < region_order_.size(); ++i) {
    const FreeRanges& free = regions_[region_order_[i]].free;
    if (free.Longest() < n) continue;
    plan_ = Plan::kRegion;
    region_ = i;
    return free.BestFit(n);
  }
  return kNoPage;
}

uint64_t TemerairePages::ChooseHuge(uint64_t n) {
  plan_ = Plan::kHuge;
  uint64_t huge = cache_.Find(HugeFor(n));
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
  SlackOrSmall(n) += SlackOrSmallOf(n);
  switch (plan_) {
    case Plan::kFiller: {
      const uint32_t back = filler_.released(place_.huge) == 0
                                ? 0
                                : static_cast<uint32_t>(released().Count(first, n));
      filler_.Take(place_, static_cast<uint32_t>(n), back);
      break;
    }
    case Plan::kRegion:
      TakeInRegion(first, n);
      break;
    case Plan::kHuge:
      TakeHuge(first, n);
      break;
  }
}

void TemerairePages::TakeInRegion(uint64_t first, uint64_t n) {
  regions_[region_order_[region_]].free.Remove(first, n);
  Reorder(region_);
  // A huge page of it counts as there as a whole from the first use on (HugeRegion::Inc).
  for (uint64_t h = first / kHugePages; h * kHugePages < first + n; ++h) {
    const uint64_t begin = std::max(first, h * kHugePages);
    const uint64_t end = std::min(first + n, (h + 1) * kHugePages);
    if (end - begin < kHugePages) NoteBacked(h * kHugePages, kHugePages);
  }
}

void TemerairePages::TakeHuge(uint64_t first, uint64_t n) {
  const uint64_t huge = first / kHugePages, count = HugeFor(n);
  if (cache_.free().Covers(huge, count)) {
    cache_.Take(huge, count);
  } else {
    unbacked_.Remove(huge, count);
    cache_.Missed(count);
  }
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
  SlackOrSmall(n) -= SlackOrSmallOf(n);
  const uint64_t huge = first / kHugePages;
  switch (kind_[huge]) {
    case kInRegion:
      FreeInRegion(first, n);
      break;
    case kFiller:
      if (filler_.Give(static_cast<uint32_t>(huge), static_cast<uint32_t>(first % kHugePages),
                       static_cast<uint32_t>(n))) {
        FreeFilled(huge);
      }
      break;
    case kWhole:
    case kFree:
      FreeLarge(huge, n);
      break;
  }
}

void TemerairePages::FreeLarge(uint64_t huge, uint64_t n) {
  uint64_t count = HugeFor(n);
  const uint64_t tail = count * kHugePages - n;
  if (tail != 0) {
    // The last huge page may have small things on it by now, or part of it may be given back.
    const uint32_t last = static_cast<uint32_t>(huge + count - 1);
    if (!filler_.Give(last, 0, static_cast<uint32_t>(kHugePages - tail))) {
      --count;
    } else if (filler_.released(last) != 0) {
      --count;
      FreeFilled(last);
    }
  }
  FreeHuge(huge, count);
}

void TemerairePages::FreeInRegion(uint64_t first, uint64_t n) {
  for (size_t place = 0; place < region_order_.size(); ++place) {
    Region& r = regions_[region_order_[place]];
    if (first < r.first * kHugePages || first >= (r.first + kRegion) * kHugePages) continue;
    r.free.Add(first, n);
    // Those that came free, side by side, go back together.
    uint64_t begin = first / kHugePages;
    uint64_t last = HugeFor(first + n);
    if (!r.free.Covers(begin * kHugePages, kHugePages)) ++begin;
    if (last > begin && !r.free.Covers((last - 1) * kHugePages, kHugePages)) --last;
    if (begin < last) GiveBack(begin * kHugePages, (last - begin) * kHugePages);
    Reorder(place);
    return;
  }
}

void TemerairePages::Reorder(size_t place) {
  const uint32_t region = region_order_[place];
  const auto longest = [&](size_t at) { return regions_[region_order_[at]].free.Longest(); };
  const uint64_t own = longest(place);
  // Forward past all that have more room, or backward past all that have less: not past equals.
  size_t to = place;
  while (to > 0 && own < longest(to - 1)) --to;
  if (to == place) {
    while (to + 1 < region_order_.size() && longest(to + 1) < own) ++to;
  }
  region_order_.erase(region_order_.begin() + static_cast<std::ptrdiff_t>(place));
  region_order_.insert(region_order_.begin() + static_cast<std::ptrdiff_t>(to), region);
}

void TemerairePages::FreeFilled(uint64_t huge) {
  if (filler_.released(static_cast<uint32_t>(huge)) == 0) {
    FreeHuge(huge, 1);
    return;
  }
  // The rest of it goes back too: outside of the filler a huge page is there as a whole or not.
  cache_.ReleaseUnbacked(1);
  kind_[huge] = kFree;
  GiveBack(huge * kHugePages, kHugePages);
  unbacked_.Add(huge, 1);
}

void TemerairePages::FreeHuge(uint64_t huge, uint64_t n) {
  SetKind(huge, n, kFree);
  cache_.Release(huge, n, [&](uint64_t h, uint64_t count) { UnbackCached(h, count); });
}

// ---------------------------------------------------------------- giving back

void TemerairePages::UnbackCached(uint64_t huge, uint64_t n) {
  GiveBack(huge * kHugePages, n * kHugePages);
  unbacked_.Add(huge, n);
}

Bytes TemerairePages::Subrelease(uint64_t huge, uint64_t first, uint64_t n) {
  const Range whole = WholeOsPages(first, n);
  const uint64_t end = whole.first + whole.n;
  Bytes fresh;
  for (uint64_t p = whole.first; p < end;) {
    const uint64_t begin = released().First(p, end, false);
    if (begin == end) break;
    p = released().First(begin, end, true);
    // Where OS pages are larger than the heap's, a part of one may have been given back.
    const uint64_t from = RoundDown(begin, os_pages());
    p = RoundUp(p, os_pages());
    fresh += GiveBack(from, p - from);
  }
  if (fresh.v != 0) {
    filler_.NoteReleased(static_cast<uint32_t>(huge), static_cast<uint32_t>(fresh.v >> kPageShift));
  }
  return fresh;
}

Bytes TemerairePages::BreakHugePages(uint64_t pages) {
  Bytes fresh;
  const auto enough = [&] { return fresh.v >> kPageShift >= pages; };
  for (const auto which :
       {HugePageFiller::Worth::kPartiallyReleased, HugePageFiller::Worth::kUnbroken}) {
    if (enough()) break;
    for (const uint32_t huge : filler_.Candidates(which)) {
      std::vector<Range> free;
      filler_.ForEachFree(huge, [&](uint32_t page, uint32_t n) {
        free.push_back({huge * kHugePages + page, n});
      });
      for (const Range& r : free) fresh += Subrelease(huge, r.first, r.n);
      if (enough()) break;
    }
  }
  return fresh;
}

Bytes TemerairePages::Release(Bytes at_most) {
  if (at_most.v == 0) return at_most;
  const uint64_t pages = (at_most.v - 1) / kPageSize + 1;
  const uint64_t cached =
      kHugePages * cache_.ReleaseCached(HugeFor(pages),
                                        [&](uint64_t huge, uint64_t n) { UnbackCached(huge, n); });
  Bytes fresh = Pages(cached).bytes();
  if (cached >= pages) return fresh;
  const uint64_t more = filler_.SparePeak(pages - cached, context().options.skip_subrelease_ns);
  if (more != 0) fresh += BreakHugePages(more);
  return fresh;
}

Bytes TemerairePages::ReleaseForLimit(Bytes at_most) {
  Bytes fresh = Release(at_most);
  if (fresh < at_most) fresh += BreakHugePages(((at_most - fresh).v - 1) / kPageSize + 1);
  return fresh;
}

Bytes TemerairePages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  context().observer->ScavengeBegin(k, now, limit);
  Bytes fresh;
  if (limit == 0) {
    fresh = ReleaseForLimit(Bytes(~uint64_t{0}));
  } else {
    for (const Range& idle : IdleFor(now, limit)) {
      const uint64_t end = idle.first + idle.n;
      for (uint64_t p = idle.first; p < end;) {
        const uint64_t huge = p / kHugePages;
        const uint64_t next = std::min(end, (huge + 1) * kHugePages);
        if (kind_[huge] == kFiller) {
          fresh += Subrelease(huge, p, next - p);
        } else if (kind_[huge] == kFree && next - p == kHugePages &&
                   cache_.free().Covers(huge, 1)) {
          cache_.Drop(huge, 1);
          UnbackCached(huge, 1);
          fresh += Pages(kHugePages).bytes();
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
  const FreeRanges& cached = cache_.free();
  uint64_t free = (cached.total() + unbacked_.total()) * kHugePages;
  for (const Region& r : regions_) free += r.free.total();
  uint64_t in_use = 0;
  for (uint64_t h = 0; h < end_page() / kHugePages; ++h) {
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck, absl::StrCat("huge page ", h, ": ", what));
    };
    const uint64_t given_back = released().Count(h * kHugePages, kHugePages);
    switch (kind_[h]) {
      case kFree:
        if (cached.Covers(h, 1) == unbacked_.Covers(h, 1)) fail("in both caches, or in none");
        if (given_back != (cached.Covers(h, 1) ? 0 : kHugePages)) {
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
  if (in_use != cache_.usage()) Throw(FatalCode::kSelfCheck, "huge pages in use are miscounted");
  for (size_t i = 1; i < region_order_.size(); ++i) {
    if (regions_[region_order_[i]].free.Longest() < regions_[region_order_[i - 1]].free.Longest()) {
      Throw(FatalCode::kSelfCheck, "the regions are out of order");
    }
  }
  if (Pages(free).bytes().v != context().stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, "filler, regions and caches do not have all that is free");
  }
}

}  // namespace heapsim::heap
