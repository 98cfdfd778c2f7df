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
      dirty_(context.options.dirty_decay_ns, context.clock->Now()),
      muzzy_(context.options.muzzy_decay_ns, context.clock->Now()),
      lazily_(context.options.muzzy_decay_ns != 0),
      next_growth_(ClassAbove(kFirstGrowthPages)) {}

// ---------------------------------------------------------------- caches of extents

void ExtentPages::Insert(uint64_t first, const Extent& e) {
  Cache& cache = caches_[e.state];
  const uint32_t bin = ClassBelow(e.pages);
  cache.bins[bin].insert(first);
  cache.nonempty[bin / 64] |= uint64_t{1} << (bin % 64);
  cache.by_use.emplace(e.place, first);
  cache.pages += e.pages;
  extents_.emplace(first, e);
}

ExtentPages::Extent ExtentPages::Remove(uint64_t first) {
  const auto it = extents_.find(first);
  if (it == extents_.end()) Throw(FatalCode::kSelfCheck, "no extent begins there");
  const Extent e = it->second;
  Cache& cache = caches_[e.state];
  const uint32_t bin = ClassBelow(e.pages);
  cache.bins[bin].erase(first);
  if (cache.bins[bin].empty()) cache.nonempty[bin / 64] &= ~(uint64_t{1} << (bin % 64));
  cache.by_use.erase(e.place);
  cache.pages -= e.pages;
  extents_.erase(it);
  return e;
}

bool ExtentPages::JoinOne(uint64_t* first, Extent* e) {
  // Not across the beginning of what was asked of the system at once (the upper one is a head).
  const auto head = [&](uint64_t page) {
    return std::binary_search(heads_.begin(), heads_.end(), page);
  };
  auto other = extents_.find(*first + e->pages);
  if (other == extents_.end() || other->second.state != e->state || head(other->first)) {
    other = extents_.lower_bound(*first);
    if (other == extents_.begin() || head(*first)) return false;
    --other;
    if (other->first + other->second.pages != *first || other->second.state != e->state) {
      return false;
    }
    *first = other->first;
  }
  const Extent o = Remove(other->first);
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
    lowest = std::min(lowest, *cache.bins[bin].begin());
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
  e.pages -= n;
  e.place = ++places_;
  const uint64_t rest = first + n;
  Insert(rest, e);
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
  Insert(first, {n, kRetained, true, context().clock->Now(), ++places_});
}

void ExtentPages::Freed(uint64_t first, uint64_t n) {
  Extent e{n, kDirty, false, context().clock->Now(), ++places_};
  if (e.pages >= kCoalescePages) {
    Coalesce(&first, &e);
    e.place = ++places_;
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
    uint64_t first = caches_[state].by_use.begin()->second;
    *e = Remove(first);
    // What was joined counts as just used, and the next one is looked at. (The source's comment
    // has it stand where its neighbour stood; eset_insert appends.)
    if (!JoinOne(&first, e)) return first;
    e->place = ++places_;
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
  e.place = ++places_;
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
      const auto oldest = caches_[state].by_use.begin();
      const uint64_t since = static_cast<uint64_t>(extents_.at(oldest->second).since);
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
  for (const auto& [first, e] : extents_) visit(first, e.pages, e.state);
}

void ExtentPages::SelfCheck() const {
  RunPages::SelfCheck();
  uint64_t end = 0, all = 0;
  std::array<uint64_t, kStates> pages = {};
  for (const auto& [first, e] : extents_) {
    const auto fail = [&, at = first](const char* what) {
      Throw(FatalCode::kSelfCheck, absl::StrCat("extent at page ", at, ": ", what));
    };
    if (first < end) fail("it overlaps the one below");
    end = first + e.pages;
    const SpanId run = runs().Holding(first);
    if (run == kNoSpan || end > FirstPage(run) + PagesOf(run)) fail("it is not free");
    const Cache& cache = caches_[e.state];
    const uint32_t bin = ClassBelow(e.pages);
    if (!cache.bins[bin].contains(first) || (cache.nonempty[bin / 64] >> (bin % 64) & 1) == 0) {
      fail("it is not in its bin");
    }
    const auto place = cache.by_use.find(e.place);
    if (place == cache.by_use.end() || place->second != first) fail("it has no place");
    const uint64_t given_back = released().Count(first, e.pages);
    if (e.state == kDirty ? given_back != 0 : os_pages() == 1 && given_back != e.pages) {
      fail("its pages are not as its state says");
    }
    pages[e.state] += e.pages;
    all += e.pages;
  }
  for (int state = 0; state < kStates; ++state) {
    if (pages[state] != caches_[state].pages) {
      Throw(FatalCode::kSelfCheck, "the pages of extents of a state are miscounted");
    }
  }
  if (Pages(all).bytes().v != context().stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, "the extents are not all that is free");
  }
}

}  // namespace heapsim::heap
