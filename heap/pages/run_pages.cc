#include "heap/pages/run_pages.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/linux_mem.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kGrowthPages = (64 << 10) / kPageSize;

}  // namespace

RunPages::RunPages(const PageContext& context, const RunRules& rules)
    : c_(context),
      spans_(*context.spans),
      rules_(rules),
      start_(context.arena->start()),
      unit_(std::max<uint64_t>(1, context.os->PhysicalPageSize().v >> kPageShift)),
      runs_(context.arena->layout()),
      released_(context.arena->layout()) {}

// ---------------------------------------------------------------- runs

SpanId RunPages::NewRun(uint64_t first, uint64_t n) {
  const SpanId id =
      rules_.descriptors ? spans_.New(At(first), Pages(n)) : spans_.NewBare(At(first), Pages(n));
  spans_[id].state = SpanState::kFree;
  return id;
}

void RunPages::DeleteRun(SpanId run) {
  if (spans_.IsBare(run)) {
    spans_.DeleteBare(run);
    return;
  }
  spans_.Delete(run);
  c_.observer->SpanAbsorbed(run, spans_.DescriptorAddress(run));
}

void RunPages::SetEnds(SpanId run) {
  const uint64_t first = FirstPage(run);
  spans_.SetPage(first, run);
  spans_.SetPage(first + spans_[run].npages - 1, run);
}

SpanId RunPages::FreeAt(uint64_t page) const {
  const SpanId id = spans_.AtPage(page);
  return id != kNoSpan && spans_[id].state == SpanState::kFree ? id : kNoSpan;
}

SpanId RunPages::Join(uint64_t first, uint64_t n, SpanId span, uint64_t npreleased, bool needzero,
                      int64_t unusedsince) {
  const SpanId below = first > 0 ? FreeAt(first - 1) : kNoSpan;
  const SpanId above = first + n < end_page() ? FreeAt(first + n) : kNoSpan;
  const bool loose = npreleased < n;
  if (below != kNoSpan) RunGone(FirstPage(below), PagesOf(below));
  if (above != kNoSpan) RunGone(FirstPage(above), PagesOf(above));
  SpanId run;
  if (below == kNoSpan && above == kNoSpan) {
    if (span != kNoSpan && rules_.descriptors) {
      run = span;
      span = kNoSpan;
      spans_[run].state = SpanState::kFree;
    } else {
      run = NewRun(first, n);
    }
    Span& s = spans_[run];
    s.npreleased = static_cast<uint32_t>(npreleased);
    s.needzero = needzero;
    runs_.Insert(run, first, n, loose);
  } else {
    run = below != kNoSpan ? below : above;
    Span& s = spans_[run];
    bool now_loose = loose | runs_.loose(run);
    if (below == kNoSpan) s.base = At(first).v;
    s.npages += static_cast<uint32_t>(n);
    s.npreleased += static_cast<uint32_t>(npreleased);
    s.needzero |= needzero;
    if (below != kNoSpan && above != kNoSpan) {
      const Span& a = spans_[above];
      s.npages += a.npages;
      s.npreleased += a.npreleased;
      s.needzero |= a.needzero;
      now_loose |= runs_.loose(above);
      runs_.Erase(above);
      DeleteRun(above);
    }
    runs_.Change(run, FirstPage(run), s.npages);
    runs_.SetLoose(run, now_loose);
  }
  spans_[run].unusedsince = unusedsince;
  SetEnds(run);
  if (span != kNoSpan) {
    spans_.Delete(span);
    c_.observer->SpanAbsorbed(span, spans_.DescriptorAddress(span));
  }
  RunCame(FirstPage(run), PagesOf(run));
  return run;
}

// ---------------------------------------------------------------- taking

PageRun RunPages::Allocate(Pages npages) {
  const uint64_t n = npages.v;
  PageRun result;
  grew_ = false;
  uint64_t first = Choose(n);
  if (first == kNoPage) {
    const Growth growth = GrowthFor(n);
    if (growth.ask == 0) {
      result.refused = Pages(growth.less).bytes();
      return result;
    }
    c_.observer->GrowBegin(Pages(growth.less), Pages(growth.ask).bytes());
    const uint64_t was = end_page();
    result.refused = Pages(growth.ask).bytes();
    if (!GrowBy(growth.ask)) {
      result.refused = Pages(growth.less).bytes();
      if (growth.less >= growth.ask || !GrowBy(growth.less)) return result;
    }
    c_.observer->GrowEnd(At(was));
    first = Choose(n);
    if (first == kNoPage) {
      result.refused = Bytes(0);
      return result;
    }
  }
  result.refused = Bytes(0);
  result.grew = grew_;

  const SpanId run = runs_.Holding(first);
  if (run == kNoSpan || first + n > FirstPage(run) + PagesOf(run)) {
    Throw(FatalCode::kBadPages, absl::StrCat("pages ", first, " to ", first + n, " are not free"));
  }
  const uint64_t run_first = FirstPage(run), run_pages = PagesOf(run);
  result.source = Pages(run_pages);
  RunGone(run_first, run_pages);
  Taken(first, n);

  // What was released of it comes back in use; where OS pages are larger, whole ones do.
  Span* r = &spans_[run];
  const bool needzero = NeedsZero(first, n, r->needzero);
  const int64_t since = r->unusedsince;
  const bool run_needzero = r->needzero;
  bool loose = runs_.loose(run);
  if (r->npreleased > 0) {
    uint64_t begin = first, end = first + n;
    if (rules_.whole_os_pages && unit_ > 1) {
      begin = std::max(run_first, RoundDown(begin, unit_));
      end = std::min(run_first + run_pages, RoundUp(end, unit_));
    }
    const uint64_t back = released_.Count(begin, end - begin);
    if (back != 0) {
      c_.stats->heap_released -= Pages(back).bytes().v;
      r->npreleased -= static_cast<uint32_t>(back);
      released_.Clear(begin, end - begin);
      c_.observer->RangeUsed(At(first), npages.bytes());
      if (rules_.huge_advice) SysUsed(c_.os, At(first), npages.bytes());
      loose |= end - begin > n;
    }
  }

  // The run's record stays with what is left below, else above; what is taken gets one of its own.
  const uint64_t left = first - run_first;
  const uint64_t right = run_first + run_pages - (first + n);
  SpanId id;
  if (left == 0 && right == 0 && rules_.descriptors) {
    runs_.Erase(run);
    id = run;
  } else {
    id = spans_.New(At(first), npages);
    r = &spans_[run];
    if (left == 0 && right == 0) {
      runs_.Erase(run);
      DeleteRun(run);
    } else {
      const uint64_t kept = left != 0 ? run_first : first + n;
      const uint64_t kept_pages = left != 0 ? left : right;
      const uint32_t all_released = r->npreleased;
      r->base = At(kept).v;
      r->npages = static_cast<uint32_t>(kept_pages);
      if (left != 0 && right != 0) {
        r->npreleased =
            all_released == 0 ? 0 : static_cast<uint32_t>(released_.Count(kept, kept_pages));
      }
      runs_.Change(run, kept, kept_pages);
      runs_.SetLoose(run, loose);
      SetEnds(run);
      if (left != 0 && right != 0) {
        const SpanId upper = NewRun(first + n, right);
        Span& u = spans_[upper];
        u.npreleased = all_released - spans_[run].npreleased;
        u.needzero = run_needzero;
        u.unusedsince = since;
        runs_.Insert(upper, first + n, right, loose);
        SetEnds(upper);
        RunCame(first + n, right);
      }
      RunCame(kept, kept_pages);
    }
  }
  Span& s = spans_[id];
  s.state = SpanState::kFree;  // until the caller says what it is
  s.needzero = needzero;
  s.npreleased = 0;
  s.unusedsince = 0;
  for (uint64_t p = first; p < first + n; ++p) spans_.SetPage(p, id);
  if (rules_.fresh_released) c_.arena->TouchPageTable(At(first), npages);
  c_.stats->heap_idle -= npages.bytes().v;
  result.span = id;
  return result;
}

RunPages::Growth RunPages::GrowthFor(uint64_t n) const {
  const uint64_t less = RoundUp(n, kGrowthPages);
  return {std::max(less, c_.chunk.v >> kPageShift), less};
}

bool RunPages::GrowBy(uint64_t n) {
  const Address v = c_.arena->SysAlloc(Pages(n).bytes());
  if (v.is_null()) return false;
  AddFresh((v - start_).v >> kPageShift, n);
  return true;
}

void RunPages::AddFresh(uint64_t first, uint64_t n) {
  grew_ = true;
  // Where fresh pages do not count as there, neither does what the table says of them.
  if (!rules_.fresh_released) c_.arena->TouchPageTable(At(first), Pages(n));
  c_.stats->heap_idle += Pages(n).bytes().v;
  if (rules_.fresh_released) {
    c_.stats->heap_released += Pages(n).bytes().v;
    released_.Set(first, n);
  }
  Join(first, n, kNoSpan, rules_.fresh_released ? n : 0, false, c_.clock->Now());
  Grown(first, n);
}

// ---------------------------------------------------------------- freeing

void RunPages::Free(SpanId id, bool account_inuse, FreeCause cause) {
  Span& s = spans_[id];
  c_.observer->SpanFreeBegin(
      {id, s.address(), Pages(s.npages), s.state, account_inuse, true, cause, s.needzero});
  switch (s.state) {
    case SpanState::kManual:
      if (s.alloc_count != 0) Throw(FatalCode::kInvalidStackFree, "invalid stack free");
      break;
    case SpanState::kInUse:
      if (s.alloc_count != 0 || s.sweepgen != sweepgen) {
        Throw(FatalCode::kInvalidFree, absl::StrCat("invalid free: span at 0x", absl::Hex(s.base)));
      }
      pages_in_use -= s.npages;
      break;
    default:
      Throw(FatalCode::kInvalidSpanState, "invalid span state");
  }
  if (account_inuse) c_.stats->heap_inuse -= s.bytes().v;
  c_.stats->heap_idle += s.bytes().v;
  if (s.list != kNoList) {
    spans_.Remove(
        s.npages >= kMaxHeapList ? kBusyLarge : static_cast<ListId>(kBusyLists + s.npages), id);
  }
  const uint64_t first = FirstPage(id), n = s.npages;
  const SpanId run = Join(first, n, id, 0, s.needzero, c_.clock->Now());
  const Span& r = spans_[run];
  c_.observer->SpanFreeEnd(
      {run, r.unusedsince, r.address(), Pages(r.npages), Pages(r.npreleased), r.needzero});
  Freed(first, n);
}

// ---------------------------------------------------------------- giving back

RunPages::Range RunPages::WholeOsPages(uint64_t first, uint64_t n) const {
  const uint64_t begin = RoundUp(first, unit_), end = RoundDown(first + n, unit_);
  return begin < end ? Range{begin, end - begin} : Range{};
}

Bytes RunPages::NoteReleased(uint64_t first, uint64_t n) {
  const uint64_t fresh = n - released_.Count(first, n);
  const SpanId run = runs_.Holding(first);
  // So that who asks for the span of what is given back need not walk to the run's start.
  spans_.SetPage(first, run);
  if (fresh == 0) return Bytes(0);
  released_.Set(first, n);
  Span& s = spans_[run];
  s.npreleased += static_cast<uint32_t>(fresh);
  c_.stats->heap_released += Pages(fresh).bytes().v;
  if (s.npreleased == s.npages) runs_.SetLoose(run, false);
  return Pages(fresh).bytes();
}

void RunPages::NoteBacked(uint64_t first, uint64_t n) {
  const uint64_t back = released_.Count(first, n);
  if (back == 0) return;
  const SpanId run = runs_.Holding(first);
  released_.Clear(first, n);
  spans_[run].npreleased -= static_cast<uint32_t>(back);
  c_.stats->heap_released -= Pages(back).bytes().v;
  runs_.SetLoose(run, true);
}

Bytes RunPages::GiveBack(uint64_t first, uint64_t n, Advice advice) {
  const Bytes fresh = NoteReleased(first, n);
  if (fresh.v == 0) return fresh;
  const Bytes length = Pages(n).bytes();
  c_.observer->RangeUnused(At(first), length);
  if (rules_.huge_advice) {
    SysUnused(c_.os, At(first), length);
  } else {
    c_.os->Advise(At(first), length, advice);
  }
  return fresh;
}

std::vector<RunPages::Range> RunPages::IdleFor(uint64_t now, uint64_t limit) const {
  std::vector<Range> idle;
  runs_.Walk([&](SpanId run, uint64_t first, uint64_t n) {
    const Span& s = spans_[run];
    if (now - static_cast<uint64_t>(s.unusedsince) <= limit || s.npreleased == s.npages) return;
    const Range whole = WholeOsPages(first, n);
    if (whole.n != 0) idle.push_back(whole);
  });
  return idle;
}

Bytes RunPages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  c_.observer->ScavengeBegin(k, now, limit);
  Bytes fresh;
  for (const Range& r : IdleFor(now, limit)) fresh += GiveBack(r.first, r.n);
  c_.observer->ScavengeEnd(fresh);
  return fresh;
}

Bytes RunPages::Release(Bytes at_most) {
  Bytes fresh;
  while (fresh < at_most) {
    const SpanId run = runs_.HighestLoose();
    if (run == kNoSpan) break;
    const uint64_t want = ((at_most - fresh).v - 1) / kPageSize + 1;
    const uint64_t first = FirstPage(run);
    const ReleasedPages::Piece piece = released_.Highest(first, first + PagesOf(run), want, unit_);
    if (piece.empty()) {
      runs_.SetLoose(run, false);
    } else {
      fresh += GiveBack(piece.begin, piece.end - piece.begin);
    }
  }
  return fresh;
}

// ---------------------------------------------------------------- looking

void RunPages::ForEachFree(absl::FunctionRef<void(const FreeRun&)> visit) const {
  runs_.Walk([&](SpanId run, uint64_t first, uint64_t n) {
    visit({At(first), Pages(n), Pages(spans_[run].npreleased)});
  });
}

void RunPages::SelfCheck() const {
  runs_.SelfCheck();
  uint64_t idle = 0, given_back = 0, end = kNoPage;
  runs_.Walk([&](SpanId run, uint64_t first, uint64_t n) {
    const Span& s = spans_[run];
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck,
            absl::StrCat("free run of ", n, " pages at page ", first, ": ", what));
    };
    if (s.state != SpanState::kFree) fail("its record is not that of a free run");
    if (FirstPage(run) != first || s.npages != n) fail("its record is of other pages");
    if (first == end) fail("the run below it is free too");
    end = first + n;
    if (spans_.AtPage(first) != run || spans_.AtPage(first + n - 1) != run) {
      fail("the page table names another span at its ends");
    }
    if (s.npreleased != released_.Count(first, n)) {
      fail("the pages marked as released are not as many as it says");
    }
    if (!runs_.loose(run) && !released_.Highest(first, first + n, 1, unit_).empty()) {
      fail("a release would not look at it");
    }
    idle += n;
    given_back += s.npreleased;
  });
  if (Pages(idle).bytes().v != c_.stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, absl::StrCat("free runs have ", Pages(idle).bytes().v,
                                              " bytes, heap_idle is ", c_.stats->heap_idle));
  }
  if (Pages(given_back).bytes().v != c_.stats->heap_released) {
    Throw(FatalCode::kSelfCheck,
          absl::StrCat("free runs have ", Pages(given_back).bytes().v,
                       " released bytes, heap_released is ", c_.stats->heap_released));
  }
}

}  // namespace heapsim::heap
