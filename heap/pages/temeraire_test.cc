#include "heap/pages/temeraire.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kH = kHugePages;

// The same rules over a flag a page and a letter a huge page, everything looked for from end to
// end.
class Model {
 public:
  explicit Model(uint64_t arena_pages) : arena_(arena_pages) {}

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
    if (huge_[h].kind == 'r') {
      for (uint64_t i = h; i * kH < first + n; ++i) {
        if (Used(i) == 0) SetReleased(i * kH, kH, true);
      }
      return;
    }
    (n <= kH / 2 ? small_ : slack_) -= n <= kH / 2 ? n : count * kH - n;
    std::vector<uint64_t> whole;
    bool broken = false;
    for (uint64_t i = h; i < h + count; ++i) {
      if (huge_[i].kind == 'f') {
        --huge_[i].allocs;
        huge_[i].stamp = ++stamps_;
        if (Used(i) != 0) continue;
        if (Released(i) != 0) {
          // After the others, if there are any.
          broken = true;
          continue;
        }
      }
      whole.push_back(i);
    }
    Unuse(whole.size());
    for (const uint64_t i : whole) huge_[i].kind = 'c';
    const uint64_t cached = Count('c');
    if (cached > Limit()) Shrink(cached - Limit());
    if (broken) {
      Unuse(1);
      huge_[h + count - 1].kind = 'u';
      SetReleased((h + count - 1) * kH, kH, true);
    }
  }

  // In pages.
  uint64_t Release(uint64_t want) {
    uint64_t fresh = Shrink((want - 1) / kH + 1) * kH;
    if (fresh >= want) return fresh;
    std::vector<std::pair<uint64_t, uint64_t>> candidates;  // used, number
    for (uint64_t h = 0; h < huge_.size(); ++h) {
      if (huge_[h].kind == 'f' && !huge_[h].donated && Used(h) + Released(h) < kH) {
        candidates.emplace_back(Used(h), h);
      }
    }
    std::sort(candidates.begin(), candidates.end());
    for (const auto& [used, h] : candidates) {
      fresh += kH - used - Released(h);
      // Each of its free ranges that has something to give back goes by itself.
      for (uint64_t p = h * kH; p < (h + 1) * kH; ++p) {
        if (!taken_[p]) released_[p] = true;
      }
      huge_[h].stamp = ++stamps_;
      if (fresh >= want) break;
    }
    return fresh;
  }

  void SetTime(int64_t now) { now_ = now; }
  const std::vector<bool>& released() const { return released_; }
  const std::vector<bool>& taken() const { return taken_; }
  uint64_t Count(char kind) const {
    return static_cast<uint64_t>(
        std::count_if(huge_.begin(), huge_.end(), [&](const Huge& h) { return h.kind == kind; }));
  }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};
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
        return first;
      }
    }
    if (n > kH / 2 && n % kH != 0 && n <= 512 * kH) {
      uint64_t first = InRegion(n);
      if (first == kNone && slack_ >= 8192 && slack_ >= small_) {
        const uint64_t h = BestFit(OfKind('u'), 512);
        if (h != kNone) {
          ++regions_;
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
        const std::vector<bool> before = taken_;
        for (uint64_t h = first / kH; h * kH < first + n; ++h) {
          const bool all = first <= h * kH && (h + 1) * kH <= first + n;
          if (!all) SetReleased(h * kH, kH, false);
        }
        Mark(first, n);
        return first;
      }
    }
    const uint64_t count = (n + kH - 1) / kH;
    uint64_t h = BestFit(OfKind('c'), count);
    if (h == kNone) h = BestFit(OfKind('u'), count);
    if (h == kNone) return kNone;
    Use(count);
    for (uint64_t i = h; i < h + count; ++i) {
      huge_[i] = Huge();
      huge_[i].kind = 'w';
    }
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
    for (const int list : {0, 1, 2}) {
      uint64_t best = kNone;
      uint64_t best_longest = 0, best_log = 0;
      for (uint64_t h = 0; h < huge_.size(); ++h) {
        const Huge& x = huge_[h];
        if (x.kind != 'f') continue;
        const int own = x.donated ? 1 : Released(h) != 0 ? 2 : 0;
        const uint64_t longest = Longest(FreeIn(h * kH, (h + 1) * kH));
        if (own != list || longest < n) continue;
        uint64_t log = 0;  // more allocations count in powers of two, up to 128
        while (log < 7 && uint64_t{2} << log <= x.allocs) ++log;
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

  uint64_t InRegion(uint64_t n) const {
    uint64_t best = kNone, best_longest = 0;
    for (uint64_t r = 1; r <= regions_; ++r) {
      uint64_t begin = 0;
      while (huge_[begin].region != r) ++begin;
      const auto free = FreeIn(begin * kH, (begin + 512) * kH);
      const uint64_t longest = Longest(free);
      if (longest < n || (best != kNone && longest >= best_longest)) continue;
      best = BestFit(free, n);
      best_longest = longest;
    }
    return best;
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

  // The use of huge pages as it went, second by second.
  void Use(uint64_t n) {
    usage_ += n;
    history_.push_back({now_ / 1'000'000'000, usage_});
  }
  void Unuse(uint64_t n) {
    usage_ -= n;
    history_.push_back({now_ / 1'000'000'000, usage_});
  }
  // The deepest valley between two higher points of one second, this one or the last.
  uint64_t Limit() const {
    uint64_t limit = 10;
    const int64_t second = now_ / 1'000'000'000;
    for (const int64_t s : {second, second - 1}) {
      std::vector<uint64_t> points;
      for (size_t i = 0; i < history_.size(); ++i) {
        if (history_[i].first != s) continue;
        if (points.empty() && i > 0) points.push_back(history_[i - 1].second);
        points.push_back(history_[i].second);
      }
      uint64_t peak = 0, low = 0;
      for (const uint64_t p : points) {
        if (p >= peak) {
          limit = std::max(limit, peak == 0 ? 0 : peak - low);
          peak = low = p;
        }
        low = std::min(low, p);
        limit = std::max(limit, p - low);
      }
    }
    return limit;
  }

  uint64_t arena_;
  std::vector<bool> taken_, released_;  // by page
  std::vector<Huge> huge_;
  uint64_t small_ = 0, slack_ = 0, stamps_ = 0, regions_ = 0, usage_ = 0;
  bool wants_region_ = false;
  int64_t now_ = 0;
  std::vector<std::pair<int64_t, uint64_t>> history_;
};

struct Fixture {
  explicit Fixture(uint64_t arena_bytes = uint64_t{8} << 30)
      : layout(SmallLayout(Bytes(arena_bytes))), fakes(layout.start) {
    HeapOptions options;
    options.layout = layout;
    heap = std::make_unique<Heap>(options, fakes.seams(),
                                  [](const PageContext& c) -> std::unique_ptr<PageAllocator> {
                                    return std::make_unique<TemerairePages>(c);
                                  });
    fakes.os.calls.clear();
  }
  const TemerairePages& pages() const { return static_cast<const TemerairePages&>(heap->pages()); }
  SpanId Take(uint64_t n) { return heap->AllocateManual(Pages(n), SpanKind::kStack); }
  uint64_t PageOf(SpanId id) const { return heap->spans().PageIndex(heap->spans()[id].address()); }
  void Give(SpanId id) { heap->FreeManual(id, SpanKind::kStack); }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

struct Setting {
  const char* name;
  uint64_t seeds, operations, arena_bytes;
  uint32_t small, medium;  // percent of requests; the rest is larger than a huge page
};

class TemeraireTest : public testing::TestWithParam<Setting> {};

TEST_P(TemeraireTest, SameAsTheModel) {
  const Setting& setting = GetParam();
  size_t regions = 0;
  uint64_t refused = 0, cached = 0;
  for (uint64_t seed = 1; seed <= setting.seeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Fixture f(setting.arena_bytes);
    Model model(setting.arena_bytes >> kPageShift);
    SeededRandom random(seed);
    std::vector<SpanId> held;
    for (uint64_t i = 0; i < setting.operations; ++i) {
      SCOPED_TRACE(absl::StrCat("operation ", i));
      f.fakes.clock.now += random.Next() % 20'000'000;
      model.SetTime(f.fakes.clock.now);
      const bool growing = (i / 300) % 2 == 0;
      if (random.Next() % 50 == 0) {
        const uint64_t want = 1 + random.Next() % (random.Next() % 3 == 0 ? 20000 : 100);
        ASSERT_EQ(f.heap->Release(Pages(want).bytes()), Pages(model.Release(want)).bytes());
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
      ASSERT_EQ(f.pages().cached().total(), model.Count('c'));
      cached = std::max(cached, model.Count('c'));
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
}

INSTANTIATE_TEST_SUITE_P(, TemeraireTest,
                         testing::Values(Setting{"Small", 4, 1500, uint64_t{2} << 30, 90, 8},
                                         Setting{"Mixed", 4, 900, uint64_t{2} << 30, 60, 30},
                                         Setting{"EndOfTheArena", 3, 900, uint64_t{60} << 20, 70,
                                                 25},
                                         Setting{"Regions", 2, 600, uint64_t{4} << 30, 5, 5}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Temeraire, ThePlaceWithTheLeastRoomIsFilledFirst) {
  Fixture f;
  const SpanId a = f.Take(100);  // huge page 0: 156 free
  f.Take(100);                   // and 56
  f.Take(60);                    // huge page 1: 196 free
  EXPECT_EQ(f.PageOf(f.Take(50)), 200u);
  EXPECT_EQ(f.PageOf(f.Take(50)), kH + 60);
  f.Give(a);
  EXPECT_EQ(f.PageOf(f.Take(90)), 0u);  // 100 free there, 146 on the other
  f.heap->SelfCheck();
}

TEST(Temeraire, TheTailOfALargeOneIsForSmallOnes) {
  Fixture f;
  const SpanId large = f.Take(300);
  const SpanId small = f.Take(10);
  EXPECT_EQ(f.PageOf(large), 0u);
  EXPECT_EQ(f.PageOf(small), 300u);
  // Only the first huge page comes back, the other has still something on it.
  f.Give(large);
  EXPECT_EQ(f.pages().cached().total(), 1u);
  EXPECT_EQ(f.PageOf(f.Take(256)), 0u);
  f.Give(small);
  EXPECT_EQ(f.pages().cached().total(), 1u);
  f.heap->SelfCheck();
}

TEST(Temeraire, TheCacheGoesFirstThenTheEmptiestIsBroken) {
  Fixture f;
  const SpanId whole = f.Take(256);
  const SpanId a = f.Take(128);
  f.Take(120);
  const SpanId b = f.Take(100);
  f.Take(20);
  f.Give(whole);
  f.Give(a);
  f.Give(b);
  f.fakes.os.TakeCalls();
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(256).bytes());
  EXPECT_EQ(f.fakes.os.TakeCalls(), "advise c420000000 200000 dontneed");
  // 20 pages are used on the third huge page, 120 on the second.
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(236).bytes());
  EXPECT_EQ(f.fakes.os.TakeCalls(),
            "advise c420400000 c8000 dontneed; advise c4204f0000 110000 dontneed");
  f.heap->SelfCheck();
  // A broken huge page is the last choice.
  EXPECT_EQ(f.PageOf(f.Take(5)) / kH, 1u);
}

}  // namespace
}  // namespace heapsim::heap
