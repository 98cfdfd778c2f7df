#include "heap/pages/extents.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

using State = ExtentPages::State;

constexpr int64_t kSecond = 1'000'000'000;

// The same rules over a plain list of extents in order of address, searched from end to end.
class Model {
 public:
  struct Extent {
    uint64_t first, pages;
    State state;
    uint64_t use;  // when it was last used, in a count of uses
  };
  Model(int64_t dirty, int64_t muzzy) : decay_{{dirty, {}, 0, 0}, {muzzy, {}, 0, 0}} {}

  static std::vector<uint64_t> Classes() {
    std::vector<uint64_t> sizes = {1, 2, 3, 4};
    for (uint64_t step = 1; sizes.size() < 90; step *= 2) {
      for (int i = 0; i < 4; ++i) sizes.push_back(sizes.back() + step);
    }
    return sizes;
  }

  uint64_t Allocate(uint64_t n, int64_t now) {
    Decay(now);
    int at = Choose(n);
    if (at < 0) {
      // Grow: the next size class that is long enough, from 2 MiB on.
      static const std::vector<uint64_t> sizes = Classes();
      uint64_t ask = 0;
      for (const uint64_t s : sizes) {
        if (s >= 256 && s > grown_ && s >= n && ask == 0) ask = s;
      }
      grown_ = ask;
      heads_.push_back(arena_);
      Put({arena_, ask, State::kRetained, ++uses_});
      arena_ += ask;
      at = Choose(n);
    }
    Extent e = extents_[static_cast<size_t>(at)];
    Take(e.first);
    const uint64_t first = e.first;
    if (e.pages > n) {
      e.first += n;
      e.pages -= n;
      e.use = ++uses_;
      Put(e);
    }
    return first;
  }

  void Free(uint64_t first, uint64_t n, int64_t now) {
    Extent e{first, n, State::kDirty, ++uses_};
    if (n >= 4) {
      Join(&e);
      e.use = ++uses_;
    }
    if (n >= 4 && e.pages >= 1024 && decay_[0].time >= 0 && decay_[1].time >= 0) {
      Purge(e, State::kRetained);
    } else {
      Put(e);
    }
    Decay(now);
  }

  void ReleaseAll() {
    for (const State s : {State::kDirty, State::kMuzzy}) PurgeTo(s, 0, State::kRetained);
  }

  std::string Text() const {
    std::string text;
    for (const Extent& e : extents_)
      absl::StrAppend(&text, e.first, "+", e.pages, std::string(1, "dmr"[e.state]), " ");
    return text;
  }

 private:
  int Choose(uint64_t n) const {
    static const std::vector<uint64_t> sizes = Classes();
    // An extent counts for the largest class that it can hold; a request needs one of its own class
    // or more.
    const uint64_t need = *std::lower_bound(sizes.begin(), sizes.end(), n);
    for (const State state : {State::kDirty, State::kMuzzy, State::kRetained}) {
      for (size_t i = 0; i < extents_.size(); ++i) {
        const Extent& e = extents_[i];
        const uint64_t size = *(std::upper_bound(sizes.begin(), sizes.end(), e.pages) - 1);
        if (e.state != state || size < need) continue;
        if (state == State::kDirty && size > 64 * n) continue;
        return static_cast<int>(i);
      }
    }
    return -1;
  }
  void Put(const Extent& e) {
    extents_.push_back(e);
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent& a, const Extent& b) { return a.first < b.first; });
  }
  void Take(uint64_t first) {
    std::erase_if(extents_, [&](const Extent& e) { return e.first == first; });
  }
  // With one neighbour of the same state, the upper one first.
  bool JoinOne(Extent* e) {
    for (const bool above : {true, false}) {
      for (const Extent& other : extents_) {
        const bool beside =
            above ? other.first == e->first + e->pages : other.first + other.pages == e->first;
        if (other.state != e->state || !beside) continue;
        const uint64_t seam = above ? other.first : e->first;
        if (std::find(heads_.begin(), heads_.end(), seam) != heads_.end()) continue;
        const Extent o = other;
        Take(o.first);
        e->first = std::min(e->first, o.first);
        e->pages += o.pages;
        return true;
      }
    }
    return false;
  }
  void Join(Extent* e) {
    while (JoinOne(e)) {
    }
  }
  uint64_t PagesIn(State state) const {
    uint64_t n = 0;
    for (const Extent& e : extents_) n += e.state == state ? e.pages : 0;
    return n;
  }
  void PurgeTo(State state, uint64_t keep, State to) {
    while (PagesIn(state) > keep) {
      const Extent* oldest = nullptr;
      for (const Extent& e : extents_) {
        if (e.state == state && (oldest == nullptr || e.use < oldest->use)) oldest = &e;
      }
      Extent e = *oldest;
      Take(e.first);
      if (JoinOne(&e)) {
        e.use = ++uses_;
        Put(e);
        continue;
      }
      Purge(e, to);
    }
  }
  void Purge(Extent e, State to) {
    e.state = to;
    Join(&e);
    e.use = ++uses_;
    Put(e);
  }
  void Decay(int64_t now) {
    for (const State state : {State::kDirty, State::kMuzzy}) {
      DecayState& d = decay_[state];
      const State to =
          state == State::kDirty && decay_[1].time != 0 ? State::kMuzzy : State::kRetained;
      if (d.time < 0) continue;
      if (d.time == 0) {
        PurgeTo(state, 0, to);
        continue;
      }
      const int64_t step = d.time / 200;
      const int64_t at = (now - 1) / step;  // the clock of the test begins at 1
      if (at == d.step) continue;
      const uint64_t have = PagesIn(state);
      d.step = at;
      d.came.push_back({at, have > d.kept ? have - d.kept : 0});
      uint64_t sum = 0;
      for (const auto& [when, pages] : d.came) {
        const int64_t age = at - when;
        if (age >= 200) continue;
        const double x = static_cast<double>(200 - age) / 200;
        const double h = x * x * x * (x * (x * 6 - 15) + 10);
        // As 24-bit fractions; the curve's own values are never that close to the next one.
        sum += pages * static_cast<uint64_t>(h * (1 << 24) + 1e-6);
      }
      const uint64_t limit = sum >> 24;
      d.kept = std::max(limit, have);
      PurgeTo(state, limit, to);
    }
  }

  struct DecayState {
    int64_t time;
    std::vector<std::pair<int64_t, uint64_t>> came;  // step, pages
    int64_t step;
    uint64_t kept;
  };
  std::vector<Extent> extents_;
  DecayState decay_[2];
  std::vector<uint64_t> heads_;
  uint64_t arena_ = 0, grown_ = 0, uses_ = 0;
};

std::string Text(const ExtentPages& pages) {
  std::string text;
  pages.ForEachExtent([&](uint64_t first, uint64_t n, State state) {
    absl::StrAppend(&text, first, "+", n, std::string(1, "dmr"[state]), " ");
  });
  return text;
}

struct Fixture {
  explicit Fixture(int64_t dirty = 10 * kSecond, int64_t muzzy = 0, uint64_t os_page = 4096)
      : layout(SmallLayout(Bytes(uint64_t{4} << 30))), fakes(layout.start) {
    fakes.os.physical_page = Bytes(os_page);
    HeapOptions options;
    options.layout = layout;
    options.pages.dirty_decay_ns = dirty;
    options.pages.muzzy_decay_ns = muzzy;
    heap = std::make_unique<Heap>(options, fakes.seams(),
                                  [](const PageContext& c) -> std::unique_ptr<PageAllocator> {
                                    return std::make_unique<ExtentPages>(c);
                                  });
    fakes.os.calls.clear();
  }
  const ExtentPages& pages() const { return static_cast<const ExtentPages&>(heap->pages()); }
  SpanId Take(uint64_t n) { return heap->AllocateManual(Pages(n), SpanKind::kStack); }
  void Give(SpanId id) { heap->FreeManual(id, SpanKind::kStack); }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

TEST(ExtentsTest, Classes) {
  const std::vector<uint64_t> sizes = Model::Classes();
  for (uint32_t c = 0; c < 80; ++c) ASSERT_EQ(ExtentPages::ClassPages(c), sizes[c]);
  for (uint64_t n = 1; n < 5000; ++n) {
    const uint32_t above = ExtentPages::ClassAbove(n), below = ExtentPages::ClassBelow(n);
    ASSERT_GE(sizes[above], n);
    ASSERT_TRUE(above == 0 || sizes[above - 1] < n);
    ASSERT_LE(sizes[below], n);
    ASSERT_GT(sizes[below + 1], n);
  }
}

TEST(ExtentsTest, SameAsTheModel) {
  struct Times {
    int64_t dirty, muzzy;
  };
  for (const Times t :
       {Times{10 * kSecond, 0}, Times{10 * kSecond, 10 * kSecond}, Times{2 * kSecond, 6 * kSecond},
        Times{0, 0}, Times{-1, 0}, Times{kSecond, -1}}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(absl::StrCat("decay ", t.dirty, " ", t.muzzy, " seed ", seed));
      Fixture f(t.dirty, t.muzzy);
      Model model(t.dirty, t.muzzy);
      SeededRandom random(seed);
      std::vector<SpanId> held;
      for (int i = 0; i < 2500; ++i) {
        SCOPED_TRACE(absl::StrCat("operation ", i));
        f.fakes.clock.now += random.Next() % 20'000'000;
        if (random.Next() % 100 == 0) f.fakes.clock.now += random.Next() % (3 * kSecond);
        const bool growing = (i / 400) % 2 == 0;
        if (random.Next() % 200 == 0) {
          f.heap->Release(Bytes(~uint64_t{0}));
          model.ReleaseAll();
        } else if (held.empty() || random.Next() % 100 < (growing ? 65 : 40)) {
          uint64_t n = 1 + random.Next() % 6;
          if (random.Next() % 4 == 0) n = 1 + random.Next() % 140;
          if (random.Next() % 40 == 0) n = 1 + random.Next() % 2000;
          const uint64_t first = model.Allocate(n, f.fakes.clock.now);
          held.push_back(f.Take(n));
          ASSERT_EQ(f.heap->spans().PageIndex(f.heap->spans()[held.back()].address()), first);
        } else {
          const size_t at = random.Next() % held.size();
          const Span s = f.heap->spans()[held[at]];
          f.Give(held[at]);
          held[at] = held.back();
          held.pop_back();
          model.Free(f.heap->spans().PageIndex(s.address()), s.npages, f.fakes.clock.now);
        }
        ASSERT_EQ(Text(f.pages()), model.Text());
        ASSERT_NO_THROW(f.heap->SelfCheck());
      }
    }
  }
}

TEST(ExtentsTest, DirtyDecaysAlongTheCurve) {
  Fixture f;
  std::vector<SpanId> spans;
  // Apart from each other, so that each is an extent of its own.
  for (int i = 0; i < 200; ++i) spans.push_back(f.Take(2));
  for (int i = 0; i < 200; i += 2) f.Give(spans[i]);
  const auto dirty = [&] {
    uint64_t n = 0;
    f.pages().ForEachExtent(
        [&](uint64_t, uint64_t pages, State s) { n += s == ExtentPages::kDirty ? pages : 0; });
    return n;
  };
  EXPECT_EQ(dirty(), 200u);
  const auto at = [&](int64_t ms) {
    // Somebody has to come by.
    f.fakes.clock.now = 1 + ms * 1'000'000;
    f.Give(f.Take(1));
    return dirty();
  };
  const uint64_t start = at(60);
  EXPECT_GE(start, 198u);
  EXPECT_GT(at(2500), 170u);
  const uint64_t half = at(5050);
  EXPECT_GT(half, 90u);
  EXPECT_LT(half, 110u);
  EXPECT_LT(at(7500), 30u);
  EXPECT_LE(at(10200), 2u);
  f.heap->SelfCheck();
}

TEST(ExtentsTest, MuzzyIsGivenBackLazilyFirst) {
  Fixture f(0, 10 * kSecond);
  const SpanId a = f.Take(4);
  f.Take(4);
  f.fakes.os.TakeCalls();
  f.Give(a);
  EXPECT_EQ(f.fakes.os.TakeCalls(), "advise c420000000 8000 free");
  EXPECT_EQ(Text(f.pages()), "0+4m 8+248r ");
  EXPECT_EQ(f.heap->pages().FreeUnreleased(), Bytes(0));
  // The first step finds them, 220 later none is left.
  f.fakes.clock.now += 60'000'000;
  f.Give(f.Take(1));
  EXPECT_EQ(Text(f.pages()), "0+4m 8+248r ");
  f.fakes.clock.now += 11 * kSecond;
  f.Give(f.Take(3));
  EXPECT_EQ(Text(f.pages()), "0+3m 3+1r 8+248r ");
  f.heap->SelfCheck();
}

TEST(ExtentsTest, ALargeExtentIsPurgedAtOnce) {
  Fixture f;
  const SpanId a = f.Take(1024);
  f.Take(1);
  const SpanId b = f.Take(1023);
  f.Take(1);
  f.fakes.os.TakeCalls();
  f.Give(b);
  EXPECT_EQ(f.fakes.os.TakeCalls(), "");
  f.Give(a);
  EXPECT_EQ(f.fakes.os.TakeCalls(), "advise c420000000 800000 dontneed");
}

TEST(ExtentsTest, ADirtyExtentIsNotCutForTooSmallARequest) {
  Fixture f;
  const SpanId a = f.Take(200);
  f.Take(1);
  f.Give(a);
  // 200 pages count for a class of 192, which is more than 64 times 2 pages.
  const SpanId small = f.Take(2);
  EXPECT_GT(f.heap->spans().PageIndex(f.heap->spans()[small].address()), 200u);
  const SpanId larger = f.Take(3);
  EXPECT_EQ(f.heap->spans().PageIndex(f.heap->spans()[larger].address()), 0u);
}

// The ratio is of the class to the request, not rounded down.
TEST(ExtentsTest, SixtyFourTimesIsNotMore) {
  for (const uint64_t pages : {64, 80}) {
    Fixture f;
    const SpanId a = f.Take(pages);
    f.Take(1);
    f.Give(a);
    const uint64_t first = f.heap->spans().PageIndex(f.heap->spans()[f.Take(1)].address());
    EXPECT_EQ(first, pages == 64 ? 0u : 81u);
  }
}

TEST(ExtentsTest, NothingIsPurgedAtOnceWhereSomethingIsKeptForEver) {
  for (const auto& [dirty, muzzy] : {std::pair<int64_t, int64_t>{-1, 0}, {10 * kSecond, -1}}) {
    Fixture f(dirty, muzzy);
    const SpanId a = f.Take(1024);
    f.Take(1);
    f.fakes.os.TakeCalls();
    f.Give(a);
    EXPECT_EQ(f.fakes.os.TakeCalls(), "");
  }
}

TEST(ExtentsTest, WhatWasMappedApartStaysApart) {
  Fixture f;
  // 2 MiB, then the next class of 2.5 MiB.
  const SpanId a = f.Take(256);
  const SpanId b = f.Take(320);
  f.Give(a);
  f.Give(b);
  EXPECT_EQ(Text(f.pages()), "0+256d 256+320d ");
  f.heap->Release(Bytes(~uint64_t{0}));
  EXPECT_EQ(Text(f.pages()), "0+256r 256+320r ");
}

TEST(ExtentsTest, SmallDirtyOnesJoinWhenTheyAreAboutToGo) {
  Fixture f;
  std::vector<SpanId> spans;
  for (int i = 0; i < 8; ++i) spans.push_back(f.Take(3));
  f.Give(spans[0]);
  f.Give(spans[1]);
  f.Give(spans[4]);
  EXPECT_EQ(Text(f.pages()), "0+3d 3+3d 12+3d 24+232r ");
  // The oldest joins its neighbour and counts as just used, so that the third goes first.
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(3).bytes());
  EXPECT_EQ(Text(f.pages()), "0+6d 12+3r 24+232r ");
  // One of 4 pages joins at once, and all that touch it.
  f.heap->Release(Bytes(~uint64_t{0}));
  const SpanId four = f.Take(4);
  f.Give(spans[2]);
  f.Give(four);
  EXPECT_EQ(Text(f.pages()), "0+4d 4+2r 6+3d 12+3r 24+232r ");
  f.heap->SelfCheck();
}

TEST(ExtentsTest, WhatWasGivenBackNeedsNoZeroing) {
  Fixture f;
  const SpanId a = f.Take(8);
  EXPECT_FALSE(f.heap->spans()[a].needzero);
  f.Take(1);
  f.Give(a);
  const SpanId b = f.Take(8);
  EXPECT_TRUE(f.heap->spans()[b].needzero);
  f.Give(b);
  f.heap->Release(Bytes(1));
  const SpanId c = f.Take(8);
  EXPECT_FALSE(f.heap->spans()[c].needzero);
}

TEST(SmoothstepDecayTest, TheCurve) {
  EXPECT_EQ(SmoothstepDecay::Share(0), uint64_t{1} << 24);
  EXPECT_EQ(SmoothstepDecay::Share(100), uint64_t{1} << 23);
  for (uint32_t age = 1; age < SmoothstepDecay::kSteps; ++age) {
    EXPECT_LE(SmoothstepDecay::Share(age), SmoothstepDecay::Share(age - 1));
  }
  EXPECT_LT(SmoothstepDecay::Share(199), 100u);
}

}  // namespace
}  // namespace heapsim::heap
