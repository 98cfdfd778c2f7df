#include "heap/pages/extents.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

// Their names and values in the source, for pages of 8 KiB.
constexpr uint32_t kMaxFitLog = 6;                             // opt_lg_extent_max_active_fit
constexpr uint64_t kCoalescePages = 4;                         // SC_LARGE_MINCLASS
constexpr uint64_t kOversizePages = (8 << 20) / kPageSize;     // opt_oversize_threshold
constexpr uint64_t kFirstGrowthPages = (2 << 20) / kPageSize;  // HUGEPAGE (exp_grow_init)
constexpr uint64_t kNothing = ~uint64_t{0};

}  // namespace

uint64_t ExtentPages::ClassPages(uint32_t c) {
  return c < 4 ? c + 1 : uint64_t{4 + c % 4 + 1} << (c / 4 - 1);
}

uint32_t ExtentPages::ClassAbove(uint64_t pages) {
  if (pages <= 4) return static_cast<uint32_t>(pages - 1);
  const uint32_t group = static_cast<uint32_t>(std::bit_width(pages - 1)) - 3;
  return 4 + 4 * group + static_cast<uint32_t>(((pages - 1) >> group) - 4);
}

uint32_t ExtentPages::ClassBelow(uint64_t pages) {
  const uint32_t c = ClassAbove(pages);
  return ClassPages(c) == pages ? c : c - 1;
}

ExtentPages::ExtentPages(const PageContext& context)
    : RunPages(context, {.fresh_released = true, .huge_advice = false}),
      kept_(((context.arena->layout().end - At(0)).v >> kPageShift) + 1),
      ending_(kept_.capacity()),
      dirty_(context.options.dirty_decay_ns, context.clock->Now()),
      muzzy_(context.options.muzzy_decay_ns, context.clock->Now()),
      lazily_(context.options.muzzy_decay_ns != 0),
      next_growth_(ClassAbove(kFirstGrowthPages)) {
  for (Cache& cache : caches_) {
    for (uint32_t bin = 0; bin < kClasses; ++bin) cache.bins.emplace_back(kept_.capacity());
    cache.lowest.fill(kNothing);
  }
}

// ---------------------------------------------------------------- caches of extents

void ExtentPages::Insert(uint64_t first, const Extent& e) {
  Cache& cache = caches_[e.state];
  const uint32_t bin = ClassBelow(e.pages);
  cache.bins[bin].Add(first);
  cache.lowest[bin] = std::min(cache.lowest[bin], first);
  cache.nonempty[bin / 64] |= uint64_t{1} << (bin % 64);
  cache.pages += e.pages;
  const Link link = static_cast<Link>(first + 1);
  kept_[first] = {e, cache.newest, 0};
  (cache.newest == 0 ? cache.oldest : kept_[cache.newest - 1].newer) = link;
  cache.newest = link;
  ending_[first + e.pages - 1] = link;
}

ExtentPages::Extent ExtentPages::Remove(uint64_t first) {
  const Kept kept = kept_[first];
  const Extent& e = kept.extent;
  if (e.pages == 0) Throw(FatalCode::kSelfCheck, "no extent begins there");
  Cache& cache = caches_[e.state];
  const uint32_t bin = ClassBelow(e.pages);
  cache.bins[bin].Remove(first);
  if (cache.lowest[bin] == first) {
    cache.lowest[bin] = cache.bins[bin].First();
    if (cache.bins[bin].empty()) cache.nonempty[bin / 64] &= ~(uint64_t{1} << (bin % 64));
  }
  cache.pages -= e.pages;
  (kept.older == 0 ? cache.oldest : kept_[kept.older - 1].newer) = kept.newer;
  (kept.newer == 0 ? cache.newest : kept_[kept.newer - 1].older) = kept.older;
  kept_[first].extent.pages = 0;
  ending_[first + e.pages - 1] = 0;
  return e;
}

bool ExtentPages::JoinOne(uint64_t* first, Extent* e) {
  // Not across the beginning of what was asked of the system at once (the upper one is a head).
  const auto head = [&](uint64_t page) {
    return std::binary_search(heads_.begin(), heads_.end(), page);
  };
  uint64_t other = *first + e->pages;
  if (!Begins(other, e->state) || head(other)) {
    if (*first == 0 || ending_[*first - 1] == 0 || head(*first)) return false;
    other = ending_[*first - 1] - 1;
    if (!Begins(other, e->state)) return false;
    *first = other;
  }
  const Extent o = Remove(other);
  e->pages += o.pages;
  e->zeroed &= o.zeroed;
  e->since = std::max(e->since, o.since);
  return true;
}

void ExtentPages::Coalesce(uint64_t* first, Extent* e) {
  while (JoinOne(first, e)) {
  }
}

uint64_t ExtentPages::Fit(State state, uint64_t n) const {
  const Cache& cache = caches_[state];
  uint64_t lowest = kNothing;
  for (uint32_t bin = ClassAbove(n); bin < kClasses; ++bin) {
    const uint64_t bits = cache.nonempty[bin / 64] >> (bin % 64);
    if (bits == 0) {
      bin |= 63;
      continue;
    }
    bin += static_cast<uint32_t>(std::countr_zero(bits));
    if (state == kDirty && ClassPages(bin) > n << kMaxFitLog) break;
    lowest = std::min(lowest, cache.lowest[bin]);
  }
  return lowest;
}

// ---------------------------------------------------------------- taking and freeing

uint64_t ExtentPages::Choose(uint64_t n) {
  Decay();
  for (const State state : {kDirty, kMuzzy, kRetained}) {
    const uint64_t first = Fit(state, n);
    if (first != kNothing) return first;
  }
  return kNoPage;
}

void ExtentPages::Taken(uint64_t first, uint64_t n) {
  Extent e = Remove(first);
  zeroed_ = e.zeroed;
  if (e.pages == n) return;
  e.pages -= static_cast<uint32_t>(n);
  Insert(first + n, e);
}

bool ExtentPages::NeedsZero(uint64_t, uint64_t, bool) { return !zeroed_; }

RunPages::Growth ExtentPages::GrowthFor(uint64_t n) const {
  uint32_t c = next_growth_;
  while (ClassPages(c) < n) ++c;
  const Growth usual = RunPages::GrowthFor(n);
  return {std::max(ClassPages(c), usual.ask), usual.less};
}

void ExtentPages::Grown(uint64_t first, uint64_t n) {
  while (ClassPages(next_growth_) <= n) ++next_growth_;
  heads_.push_back(first);
  Insert(first, {static_cast<uint32_t>(n), kRetained, true, context().clock->Now()});
}

void ExtentPages::Freed(uint64_t first, uint64_t n) {
  Extent e{static_cast<uint32_t>(n), kDirty, false, context().clock->Now()};
  if (e.pages >= kCoalescePages) {
    Coalesce(&first, &e);
    // Unless something is to be kept for ever (extent_may_force_decay).
    if (e.pages >= kOversizePages && !dirty_.never() && !muzzy_.never()) {
      Purge(first, e, kRetained);
      Decay();
      return;
    }
  }
  Insert(first, e);
  Decay();
}

// ---------------------------------------------------------------- decay

void ExtentPages::Decay() {
  const int64_t now = context().clock->Now();
  for (const State state : {kDirty, kMuzzy}) {
    const uint64_t keep = (state == kDirty ? dirty_ : muzzy_).Advance(now, caches_[state].pages);
    while (caches_[state].pages > keep) {
      Extent e;
      const uint64_t first = Evict(state, &e);
      Purge(first, e, state == kDirty && lazily_ ? kMuzzy : kRetained);
    }
  }
}

uint64_t ExtentPages::Evict(State state, Extent* e) {
  while (true) {
    uint64_t first = caches_[state].oldest - 1;
    *e = Remove(first);
    // What was joined counts as just used, and the next one is looked at. (The source's comment
    // has it stand where its neighbour stood; eset_insert appends.)
    if (!JoinOne(&first, e)) return first;
    Insert(first, *e);
  }
}

Bytes ExtentPages::Purge(uint64_t first, Extent e, State to) {
  Bytes fresh;
  const Range whole = WholeOsPages(first, e.pages);
  if (whole.n != 0) {
    const Advice advice = to == kMuzzy ? Advice::kFree : Advice::kDontNeed;
    fresh = GiveBack(whole.first, whole.n, advice);
    // Muzzy memory was given back already, but may still be there.
    if (fresh.v == 0) context().os->Advise(At(whole.first), Pages(whole.n).bytes(), advice);
  }
  e.zeroed = to == kRetained && whole.n == e.pages;
  e.state = to;
  e.since = context().clock->Now();
  Coalesce(&first, &e);
  Insert(first, e);
  return fresh;
}

Bytes ExtentPages::Release(Bytes at_most) {
  Bytes fresh;
  for (const State state : {kDirty, kMuzzy}) {
    while (fresh < at_most && caches_[state].pages != 0) {
      Extent e;
      const uint64_t first = Evict(state, &e);
      fresh += Purge(first, e, kRetained);
    }
  }
  return fresh;
}

Bytes ExtentPages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  context().observer->ScavengeBegin(k, now, limit);
  Bytes fresh;
  for (const State state : {kDirty, kMuzzy}) {
    while (caches_[state].pages != 0) {
      const uint64_t since = static_cast<uint64_t>(kept_[caches_[state].oldest - 1].extent.since);
      if (state == kDirty && limit != 0 && now - since <= limit) break;
      Extent e;
      const uint64_t first = Evict(state, &e);
      fresh += Purge(first, e, kRetained);
    }
  }
  context().observer->ScavengeEnd(fresh);
  return fresh;
}

// ---------------------------------------------------------------- looking

void ExtentPages::ForEachExtent(absl::FunctionRef<void(uint64_t, uint64_t, State)> visit) const {
  runs().Walk([&](SpanId, uint64_t first, uint64_t n) {
    for (uint64_t at = first; at < first + n;) {
      const Extent& e = kept_[at].extent;
      if (e.pages == 0) {
        Throw(FatalCode::kSelfCheck, absl::StrCat("page ", at, " is free but in no extent"));
      }
      visit(at, e.pages, e.state);
      at += e.pages;
    }
  });
}

void ExtentPages::SelfCheck() const {
  RunPages::SelfCheck();
  uint64_t all = 0;
  std::array<uint64_t, kStates> pages = {}, extents = {};
  ForEachExtent([&](uint64_t first, uint64_t n, State state) {
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck, absl::StrCat("extent at page ", first, ": ", what));
    };
    const SpanId run = runs().Holding(first);
    if (run == kNoSpan || first + n > FirstPage(run) + PagesOf(run)) fail("it is not free");
    const Cache& cache = caches_[state];
    const uint32_t bin = ClassBelow(n);
    if (!cache.bins[bin].Contains(first) || (cache.nonempty[bin / 64] >> (bin % 64) & 1) == 0) {
      fail("it is not in its bin");
    }
    if (ending_[first + n - 1] != first + 1) fail("its last page does not know it");
    const uint64_t given_back = released().Count(first, n);
    if (state == kDirty ? given_back != 0 : os_pages() == 1 && given_back != n) {
      fail("its pages are not as its state says");
    }
    pages[state] += n;
    ++extents[state];
    all += n;
  });
  for (int state = 0; state < kStates; ++state) {
    const auto fail = [](const char* what) { Throw(FatalCode::kSelfCheck, what); };
    const Cache& cache = caches_[state];
    if (pages[state] != cache.pages) fail("the pages of extents of a state are miscounted");
    uint64_t listed = 0;
    Link older = 0;
    for (Link at = cache.oldest; at != 0; older = at, at = kept_[at - 1].newer) {
      if (!Begins(at - 1, static_cast<State>(state)) || kept_[at - 1].older != older) {
        fail("the order of use of extents is broken");
      }
      ++listed;
    }
    if (listed != extents[state] || cache.newest != older) {
      fail("the order of use has not all extents of a state");
    }
    for (uint32_t bin = 0; bin < kClasses; ++bin) {
      if (cache.lowest[bin] != cache.bins[bin].First())
        fail("the lowest extent of a bin is another");
    }
  }
  if (Pages(all).bytes().v != context().stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, "the extents are not all that is free");
  }
}

}  // namespace heapsim::heap
