// Random requests, frees and releases against Temeraire's rules said once more, naively.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/pages/temeraire.h"
#include "heap/pages/temeraire_fixture.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kH = kHugePages;

// The same rules over a flag a page and a letter a huge page, everything looked for from end to
// end.
class Model {
 public:
  Model(uint64_t arena_pages, int64_t skip) : arena_(arena_pages), skip_(skip) {}

  // The first page; ~0 where there is no memory.
  uint64_t Allocate(uint64_t n) {
    uint64_t first = TryAllocate(n);
    if (first != kNone) return first;
    const uint64_t less = (n + kH - 1) / kH * kH;
    const uint64_t ask = wants_region_ ? 512 * kH : less;
    const uint64_t room = arena_ - taken_.size();
    const uint64_t grown = ask <= room ? ask : less <= room ? less : 0;
    if (grown == 0) return kNone;
    taken_.resize(taken_.size() + grown);
    released_.resize(taken_.size(), true);
    huge_.resize(taken_.size() / kH);
    return TryAllocate(n);
  }

  void Free(uint64_t first, uint64_t n, int64_t now) {
    now_ = now;
    std::fill_n(taken_.begin() + static_cast<std::ptrdiff_t>(first), n, false);
    const uint64_t h = first / kH, count = (n + kH - 1) / kH;
    (n <= kH / 2 ? small_ : slack_) -= n <= kH / 2 ? n : count * kH - n;
    if (huge_[h].kind == 'r') {
      for (uint64_t i = h; i * kH < first + n; ++i) {
        if (Used(i) == 0) SetReleased(i * kH, kH, true);
      }
      Resort(huge_[h].region);
      return;
    }
    std::vector<uint64_t> whole;
    bool broken = false;
    for (uint64_t i = h; i < h + count; ++i) {
      if (huge_[i].kind == 'f') {
        --huge_[i].allocs;
        huge_[i].stamp = ++stamps_;
        ReportDemand();
        if (Used(i) != 0) continue;
        if (Released(i) != 0) {
          broken = true;
          continue;
        }
      }
      whole.push_back(i);
    }
    if (broken) {
      // Before the others, if there are any.
      Unuse(1);
      huge_[h + count - 1].kind = 'u';
      ReportDemand();
      SetReleased((h + count - 1) * kH, kH, true);
    }
    if (whole.empty()) return;
    for (const uint64_t i : whole) huge_[i].kind = 'c';
    ReportDemand();
    Unuse(whole.size());
    if (now_ - limit_changed_ > 2 * kSecond) LowerLimit();
    if (Count('c') > limit_) Shrink(Count('c') - limit_);
    size_.Report(now_, Count('c'));
  }

  // In pages; not below the recent peak of demand.
  uint64_t Release(uint64_t want) {
    const uint64_t whole = (want - 1) / kH + 1;
    uint64_t fresh = LowerLimit();
    if (fresh < whole) fresh += Shrink(whole - fresh);
    size_.Report(now_, Count('c'));
    fresh *= kH;
    if (fresh >= want) return fresh;
    uint64_t more = want - fresh;
    if (skip_ != 0) {
      ReportDemand();
      const uint64_t peak = demand_.Max(skip_), mapped = Count('f') * kH - ReleasedOfFiller();
      if (peak != 0) more = std::min(more, mapped > peak ? mapped - peak : 0);
    }
    return fresh + Break(more);
  }
  uint64_t Break(uint64_t more) {
    uint64_t broken = 0;
    for (const bool partial : {true, false}) {
      std::vector<std::pair<uint64_t, uint64_t>> candidates;  // used, number
      for (uint64_t h = 0; h < huge_.size(); ++h) {
        if (huge_[h].kind == 'f' && (Released(h) != 0) == partial && Used(h) + Released(h) < kH) {
          candidates.emplace_back(Used(h), h);
        }
      }
      std::sort(candidates.begin(), candidates.end());
      for (const auto& [used, h] : candidates) {
        if (broken >= more) break;
        broken += kH - used - Released(h);
        for (uint64_t p = h * kH; p < (h + 1) * kH; ++p) {
          if (!taken_[p]) released_[p] = true;
        }
        huge_[h].donated = false;
        huge_[h].stamp = ++stamps_;
      }
    }
    return broken;
  }

  void SetTime(int64_t now) { now_ = now; }
  uint64_t limit() const { return limit_; }
  const std::vector<bool>& released() const { return released_; }
  const std::vector<bool>& taken() const { return taken_; }
  uint64_t Count(char kind) const {
    return static_cast<uint64_t>(
        std::count_if(huge_.begin(), huge_.end(), [&](const Huge& h) { return h.kind == kind; }));
  }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};
  static constexpr int64_t kSecond = 1'000'000'000;
  // All that was ever reported.
  struct Series {
    int64_t epoch;
    std::vector<std::pair<int64_t, uint64_t>> reports = {};
    void Report(int64_t now, uint64_t value) { reports.emplace_back(now / epoch, value); }
    template <typename Better>
    uint64_t Best(int64_t ns, uint64_t none, Better better) const {
      uint64_t best = none;
      for (const auto& [when, value] : reports) {
        if (when > reports.back().first - ns / epoch && better(value, best)) best = value;
      }
      return best;
    }
    uint64_t Max(int64_t ns) const { return Best(ns, 0, std::greater<>()); }
    uint64_t Min(int64_t ns) const { return Best(ns, kNone, std::less<>()); }
  };
  struct Huge {
    char kind = 'u';  // unbacked, cached, filler, whole, region
    bool donated = false;
    uint64_t allocs = 0, stamp = 0, region = 0;
  };

  struct Range {
    uint64_t first, n;
  };
  // Maximal ranges of [begin, end) that satisfy a condition.
  template <typename Condition>
  static std::vector<Range> Ranges(uint64_t begin, uint64_t end, Condition condition) {
    std::vector<Range> ranges;
    for (uint64_t i = begin; i < end; ++i) {
      if (!condition(i)) continue;
      if (!ranges.empty() && ranges.back().first + ranges.back().n == i) {
        ++ranges.back().n;
      } else {
        ranges.push_back({i, 1});
      }
    }
    return ranges;
  }
  // The shortest of at least `n`.
  static uint64_t BestFit(const std::vector<Range>& ranges, uint64_t n) {
    const Range* best = nullptr;
    for (const Range& r : ranges) {
      if (r.n >= n && (best == nullptr || r.n < best->n)) best = &r;
    }
    return best == nullptr ? kNone : best->first;
  }
  std::vector<Range> FreeIn(uint64_t begin, uint64_t end) const {
    return Ranges(begin, end, [&](uint64_t p) { return !taken_[p]; });
  }
  std::vector<Range> OfKind(char kind) const {
    return Ranges(0, huge_.size(), [&](uint64_t h) { return huge_[h].kind == kind; });
  }
  static uint64_t Longest(const std::vector<Range>& ranges) {
    uint64_t longest = 0;
    for (const Range& r : ranges) longest = std::max(longest, r.n);
    return longest;
  }
  uint64_t Used(uint64_t h) const {
    uint64_t n = 0;
    for (uint64_t p = h * kH; p < (h + 1) * kH; ++p) n += taken_[p];
    return n;
  }
  uint64_t Released(uint64_t h) const {
    uint64_t n = 0;
    for (uint64_t p = h * kH; p < (h + 1) * kH; ++p) n += released_[p];
    return n;
  }
  void SetReleased(uint64_t first, uint64_t n, bool released) {
    std::fill_n(released_.begin() + static_cast<std::ptrdiff_t>(first), n, released);
  }

  uint64_t TryAllocate(uint64_t n) {
    wants_region_ = false;
    if (n < kH) {
      const uint64_t h = ChooseFilled(n);
      if (h != kNone) {
        const uint64_t first = BestFit(FreeIn(h * kH, (h + 1) * kH), n);
        huge_[h].donated = false;
        ++huge_[h].allocs;
        Mark(first, n);
        huge_[h].stamp = ++stamps_;
        Account(n);
        ReportDemand();
        return first;
      }
    }
    if (n > kH / 2 && n % kH != 0 && n <= 512 * kH) {
      uint64_t first = InRegion(n);
      if (first == kNone && slack_ >= 8192 && slack_ >= small_) {
        const uint64_t h = BestFit(OfKind('u'), 512);
        if (h != kNone) {
          ++regions_;
          order_.push_back(regions_);
          for (uint64_t i = h; i < h + 512; ++i) {
            huge_[i].kind = 'r';
            huge_[i].region = regions_;
          }
          first = InRegion(n);
        } else {
          wants_region_ = true;
          if (taken_.size() + 512 * kH <= arena_) return kNone;
        }
      }
      if (first != kNone) {
        for (uint64_t h = first / kH; h * kH < first + n; ++h) {
          const bool all = first <= h * kH && (h + 1) * kH <= first + n;
          if (!all) SetReleased(h * kH, kH, false);
        }
        Mark(first, n);
        Account(n);
        Resort(huge_[first / kH].region);
        return first;
      }
    }
    const uint64_t count = (n + kH - 1) / kH;
    uint64_t h = BestFit(OfKind('c'), count);
    const bool missed = h == kNone;
    if (missed) h = BestFit(OfKind('u'), count);
    if (h == kNone) return kNone;
    for (uint64_t i = h; i < h + count; ++i) {
      huge_[i] = Huge();
      huge_[i].kind = 'w';
    }
    if (!missed) size_.Report(now_, Count('c'));
    Use(count);
    if (missed) RaiseLimit();
    if (n != count * kH) {
      Huge& last = huge_[h + count - 1];
      last.kind = 'f';
      last.donated = n > kH / 2;
      last.allocs = 1;
      last.stamp = ++stamps_;
      SetReleased((h + count - 1) * kH, kH, false);
    }
    Mark(h * kH, n);
    Account(n);
    if (n != count * kH) ReportDemand();
    return h * kH;
  }

  void Account(uint64_t n) {
    (n <= kH / 2 ? small_ : slack_) += n <= kH / 2 ? n : (n + kH - 1) / kH * kH - n;
  }
  void Mark(uint64_t first, uint64_t n) {
    std::fill_n(taken_.begin() + static_cast<std::ptrdiff_t>(first), n, true);
    SetReleased(first, n, false);
  }

  uint64_t ChooseFilled(uint64_t n) const {
    for (const int list : {0, 1, 2, 3}) {
      uint64_t best = kNone;
      uint64_t best_longest = 0, best_log = 0;
      for (uint64_t h = 0; h < huge_.size(); ++h) {
        const Huge& x = huge_[h];
        if (x.kind != 'f') continue;
        const uint64_t released = Released(h);
        const int own = x.donated ? 1 : released == 0 ? 0 : Used(h) + released < kH ? 2 : 3;
        const uint64_t longest = Longest(FreeIn(h * kH, (h + 1) * kH));
        if (own != list || longest < n) continue;
        uint64_t log = 0;  // more allocations count in powers of two, rounded up, up to 128
        while (log < 7 && uint64_t{1} << log < x.allocs) ++log;
        if (x.donated) log = 0;
        const bool better = best == kNone || longest < best_longest ||
                            (longest == best_longest &&
                             (log > best_log || (log == best_log && x.stamp > huge_[best].stamp)));
        if (!better) continue;
        best = h;
        best_longest = longest;
        best_log = log;
      }
      if (best != kNone) return best;
    }
    return kNone;
  }

  uint64_t LongestIn(uint64_t region) const {
    uint64_t begin = 0;
    while (huge_[begin].region != region) ++begin;
    return Longest(FreeIn(begin * kH, (begin + 512) * kH));
  }
  uint64_t InRegion(uint64_t n) const {
    for (const uint64_t r : order_) {
      if (LongestIn(r) < n) continue;
      uint64_t begin = 0;
      while (huge_[begin].region != r) ++begin;
      return BestFit(FreeIn(begin * kH, (begin + 512) * kH), n);
    }
    return kNone;
  }
  // A region that changed moves past those that are better, or worse, now; not past equals.
  void Resort(uint64_t region) {
    size_t at =
        static_cast<size_t>(std::find(order_.begin(), order_.end(), region) - order_.begin());
    const uint64_t own = LongestIn(region);
    bool moved = false;
    for (; at > 0 && own < LongestIn(order_[at - 1]); --at, moved = true) {
      std::swap(order_[at], order_[at - 1]);
    }
    for (; !moved && at + 1 < order_.size() && own > LongestIn(order_[at + 1]); ++at) {
      std::swap(order_[at], order_[at + 1]);
    }
  }

  // Huge pages.
  uint64_t Shrink(uint64_t n) {
    uint64_t done = 0;
    while (done < n) {
      const auto cached = OfKind('c');
      const uint64_t first = BestFit(cached, 1);
      if (first == kNone) break;
      for (uint64_t h = first; done < n && h < huge_.size() && huge_[h].kind == 'c'; ++h, ++done) {
        huge_[h].kind = 'u';
        SetReleased(h * kH, kH, true);
      }
    }
    return done;
  }

  void Use(uint64_t n) {
    usage_ += n;
    usages_.Report(now_, usage_);
    dips_.Report(now_, 0);
  }
  void Unuse(uint64_t n) {
    usage_ -= n;
    usages_.Report(now_, usage_);
    dips_.Report(now_, usages_.Max(kSecond) - usage_);
  }
  void RaiseLimit() {
    const uint64_t dip = std::min(dips_.Max(kSecond), usage_ - usages_.Min(kSecond));
    if (dip + dip / 10 <= limit_) return;
    limit_ = dip + dip / 10;
    limit_changed_ = now_;
  }
  uint64_t LowerLimit() {
    limit_changed_ = now_;
    const uint64_t least = size_.Min(2 * kSecond);
    if (least < limit_ / 5) return 0;
    const uint64_t off = std::max<uint64_t>(1, least / 2);
    limit_ = limit_ > off + 10 ? limit_ - off : 10;
    return Count('c') > limit_ ? Shrink(Count('c') - limit_) : 0;
  }
  void ReportDemand() {
    uint64_t used = 0;
    for (uint64_t h = 0; h < huge_.size(); ++h) used += huge_[h].kind == 'f' ? Used(h) : 0;
    demand_.Report(now_, used);
  }
  uint64_t ReleasedOfFiller() const {
    uint64_t n = 0;
    for (uint64_t h = 0; h < huge_.size(); ++h) n += huge_[h].kind == 'f' ? Released(h) : 0;
    return n;
  }

  uint64_t arena_;
  std::vector<bool> taken_, released_;  // by page
  std::vector<Huge> huge_;
  uint64_t small_ = 0, slack_ = 0, stamps_ = 0, regions_ = 0, usage_ = 0;
  bool wants_region_ = false;
  std::vector<uint64_t> order_;  // of regions
  int64_t now_ = 1;              // when the test's clock begins
  int64_t skip_, limit_changed_ = 1;
  uint64_t limit_ = 10;
  Series usages_{kSecond / 8}, dips_{kSecond / 8}, size_{kSecond / 8}, demand_{kSecond};
};

struct Setting {
  const char* name;
  uint64_t seeds, operations, arena_bytes;
  uint32_t small, medium;  // percent of requests; the rest is larger than a huge page
};

class TemeraireModelTest : public testing::TestWithParam<Setting> {};

TEST_P(TemeraireModelTest, SameAsTheModel) {
  const Setting& setting = GetParam();
  size_t regions = 0;
  uint64_t refused = 0, cached = 0, broken = 0, limit = 0;
  for (uint64_t seed = 1; seed <= setting.seeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    // Demand of the last 3 s, of the last 60 s, or none at all.
    const int64_t skip = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 3'000'000'000 : 60'000'000'000;
    TemeraireFixture f(setting.arena_bytes, skip);
    Model model(setting.arena_bytes >> kPageShift, skip);
    SeededRandom random(seed);
    std::vector<SpanId> held;
    for (uint64_t i = 0; i < setting.operations; ++i) {
      SCOPED_TRACE(absl::StrCat("operation ", i));
      f.fakes.clock.now += random.Next() % 20'000'000;
      model.SetTime(f.fakes.clock.now);
      const bool growing = (i / 300) % 2 == 0;
      if (random.Next() % 50 == 0) {
        const uint64_t want = 1 + random.Next() % (random.Next() % 3 == 0 ? 20000 : 100);
        const uint64_t fresh = f.heap->Release(Pages(want).bytes()).v >> kPageShift;
        ASSERT_EQ(fresh, model.Release(want));
        broken += fresh % kH != 0;
        // A forced one spares nothing.
        if (random.Next() % 4 == 0) {
          const uint64_t all = ~uint64_t{0} >> kPageShift;
          const Bytes n = f.heap->Scavenge(-1, ~uint64_t{0}, 0);
          ASSERT_EQ(n.v >> kPageShift, model.Release(all) + model.Break(all));
        }
      } else if (held.empty() || random.Next() % 100 < (growing ? 65 : 38)) {
        const uint32_t what = random.Next() % 100;
        uint64_t n = 1 + random.Next() % 20;
        if (what >= setting.small) n = 1 + random.Next() % (kH - 1);
        if (what >= setting.small + setting.medium) n = 1 + random.Next() % (4 * kH);
        if (random.Next() % 30 == 0) n = kH * (1 + random.Next() % 3);
        const uint64_t first = model.Allocate(n);
        const SpanId id = f.Take(n);
        ASSERT_EQ(id == kNoSpan, first == ~uint64_t{0});
        if (id == kNoSpan) {
          ++refused;
          continue;
        }
        ASSERT_EQ(f.PageOf(id), first) << n << " pages";
        held.push_back(id);
      } else {
        const size_t at = random.Next() % held.size();
        const Span s = f.heap->spans()[held[at]];
        model.Free(f.PageOf(held[at]), s.npages, f.fakes.clock.now);
        f.Give(held[at]);
        held[at] = held.back();
        held.pop_back();
      }
      ASSERT_EQ(f.pages().cache().free().total(), model.Count('c'));
      ASSERT_EQ(f.pages().cache().limit(), model.limit());
      cached = std::max(cached, model.Count('c'));
      limit = std::max(limit, model.limit());
      if (i % 20 != 0) continue;
      for (uint64_t p = 0; p < model.taken().size(); ++p) {
        ASSERT_EQ(f.pages().IsReleased(p), model.released()[p]) << "page " << p;
      }
      ASSERT_NO_THROW(f.heap->SelfCheck());
    }
    regions = std::max(regions, f.pages().regions());
  }
  EXPECT_EQ(regions > 0, std::string(setting.name) == "Regions");
  EXPECT_EQ(refused > 0, setting.arena_bytes < (uint64_t{1} << 30));
  EXPECT_GT(cached, 0u);
  EXPECT_GT(broken, 0u);
  EXPECT_EQ(limit > HugeCache::kMinLimit, std::string(setting.name) != "Small");
}

INSTANTIATE_TEST_SUITE_P(, TemeraireModelTest,
                         testing::Values(Setting{"Small", 4, 1500, uint64_t{2} << 30, 90, 8},
                                         Setting{"Mixed", 4, 900, uint64_t{2} << 30, 60, 30},
                                         Setting{"EndOfTheArena", 3, 900, uint64_t{60} << 20, 70,
                                                 25},
                                         Setting{"Regions", 2, 600, uint64_t{4} << 30, 5, 5}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace heapsim::heap
