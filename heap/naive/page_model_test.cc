// The page heap against its model: random operations, everything compared after each.

#include "heap/naive/page_model.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/naive/heap_view.h"

namespace heapsim::heap::naive {
namespace {

struct Setting {
  const char* name;
  uint64_t seeds, operations;
  uint64_t arena_bytes, physical_page;
  uint32_t priority_mask;
  uint64_t longest;  // pages a span, at most
};

class PageModelTest : public testing::TestWithParam<Setting> {};

void Compare(const Setting& setting, uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  const ArenaLayout layout = SmallLayout(Bytes(setting.arena_bytes));
  Fakes fakes(layout.start, seed, setting.priority_mask);
  fakes.os.physical_page = Bytes(setting.physical_page);
  fakes.os.scatter = true;
  HeapOptions options;
  options.layout = layout;
  Heap heap(options, fakes.seams());
  SeededRandom priorities(seed, setting.priority_mask);
  PageModel::Options model_options;
  model_options.arena_pages = setting.arena_bytes >> kPageShift;
  model_options.physical_page = setting.physical_page;
  model_options.chunks = &fakes.os.chunks;
  model_options.priorities = &priorities;
  model_options.clock = &fakes.clock;
  PageModel model(model_options);

  SeededRandom random(seed + 1000003);
  fakes.observer.lines.clear();
  std::vector<std::pair<SpanId, SpanKind>> held;
  uint64_t refused = 0;
  for (uint64_t i = 0; i < setting.operations; ++i) {
    SCOPED_TRACE(absl::StrCat("operation ", i));
    fakes.clock.now += random.Next() % 100;
    const uint32_t what = random.Next() % 100;
    // Phases of growing and of shrinking.
    const bool growing = (i / 400) % 2 == 0;
    if (what < 4) {
      // Also as the monitor does it: with a time read before the last span was freed.
      const uint64_t now = static_cast<uint64_t>(fakes.clock.now) - random.Next() % 200;
      const uint64_t limit = random.Next() % 8 == 0 ? 0 : random.Next() % 3000;
      const Bytes released = heap.Scavenge(static_cast<int32_t>(i), now, limit);
      ASSERT_EQ(released.v, model.Scavenge(static_cast<int32_t>(i), now, limit));
    } else if (held.empty() || what < (growing ? 65 : 40)) {
      uint64_t n = 1 + random.Next() % 12;
      if (random.Next() % 4 == 0) n = 1 + random.Next() % 140;
      if (random.Next() % 20 == 0) n = 1 + random.Next() % setting.longest;
      const SpanKind kind = random.Next() % 3 == 0 ? SpanKind::kWorkBuffer : SpanKind::kStack;
      const SpanId id = heap.AllocateManual(Pages(n), kind);
      ASSERT_EQ(id, model.AllocateManual(n, kind));
      if (id != kNoSpan) {
        held.emplace_back(id, kind);
      } else {
        ++refused;
      }
    } else {
      const size_t at = random.Next() % held.size();
      const auto [id, kind] = held[at];
      held[at] = held.back();
      held.pop_back();
      heap.FreeManual(id, kind);
      model.FreeManual(id, kind);
    }

    ASSERT_EQ(std::exchange(fakes.observer.lines, {}), model.TakeLines());
    ASSERT_EQ(FreeSpans(heap), model.FreeSpans());
    const MemStats& m = heap.stats();
    const ModelStats& k = model.page_stats();
    ASSERT_EQ(m.heap_sys, k.heap_sys);
    ASSERT_EQ(m.heap_idle, k.heap_idle);
    ASSERT_EQ(m.heap_inuse, k.heap_inuse);
    ASSERT_EQ(m.heap_released, k.heap_released);
    ASSERT_EQ(m.stacks_inuse, k.stacks_inuse);
    ASSERT_EQ(heap.pages_in_use(), k.pages_in_use);
    for (const auto& [first, id] : model.runs()) {
      const Span& s = heap.spans()[id];
      ASSERT_EQ(heap.spans().PageIndex(s.address()), first);
      ASSERT_EQ(s.npages, model.span(id).npages);
      ASSERT_EQ(s.state, model.span(id).state);
      ASSERT_EQ(s.needzero, model.span(id).needzero);
    }
    ASSERT_NO_THROW(heap.SelfCheck());
  }
  EXPECT_EQ(refused > 0, setting.arena_bytes < (20u << 20));  // whether the arena's end was seen
}

TEST_P(PageModelTest, SameAsTheHeap) {
  for (uint64_t seed = 1; seed <= GetParam().seeds && !HasFatalFailure(); ++seed) {
    Compare(GetParam(), seed);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , PageModelTest,
    testing::Values(Setting{"Usual", 16, 1500, 256 << 20, 4096, ~uint32_t{0}, 900},
                    // Few different priorities: the rules for equal ones matter.
                    Setting{"EqualPriorities", 12, 1500, 256 << 20, 4096, 3, 900},
                    Setting{"SystemPages16K", 8, 1500, 256 << 20, 16 << 10, ~uint32_t{0}, 500},
                    Setting{"SystemPages64K", 8, 1500, 256 << 20, 64 << 10, 15, 500},
                    // Not a whole number of chunks, so that the smaller ask is tried.
                    Setting{"EndOfTheArena", 16, 1500, (9 << 20) + 5 * 65536, 4096, ~uint32_t{0},
                            300}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace heapsim::heap::naive
