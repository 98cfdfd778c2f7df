// Go 1.19's page level as a page allocator: its addresses are those of first fit where no page
// cache comes in between, and its bits and the runs agree.

#include "heap/pages/go119_pages.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/naive/run_model.h"

namespace heapsim::heap {
namespace {

using naive::RunModel;

struct Setting {
  const char* name;
  uint32_t procs;     // 0: no page caches
  uint64_t shortest;  // pages; from 16 on a request passes the caches by
  uint64_t longest;
  uint64_t arena_bytes;
};

class Go119PagesTest : public testing::TestWithParam<Setting> {};

TEST_P(Go119PagesTest, SameAddressesAsFirstFit) {
  const Setting& setting = GetParam();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const ArenaLayout layout = SmallLayout(Bytes(setting.arena_bytes));
    Fakes fakes(layout.start, seed);
    HeapOptions options;
    options.layout = layout;
    options.procs = std::max(1u, setting.procs);
    Heap heap(options, fakes.seams(), [&](const PageContext& c) -> std::unique_ptr<PageAllocator> {
      PageContext own = c;
      own.procs = setting.procs;
      return std::make_unique<Go119Pages>(own);
    });
    const auto& pages = static_cast<const Go119Pages&>(heap.pages());
    RunModel::Options model_options;
    model_options.choose = [](const RunModel& m, uint64_t n) -> std::optional<uint64_t> {
      for (const RunModel::Run& r : m.runs()) {
        if (r.pages >= n) return r.first;
      }
      return std::nullopt;
    };
    // By chunks of 4 MiB.
    model_options.grow = [](const RunModel&, uint64_t n) {
      const uint64_t ask = (n + 511) / 512 * 512;
      return std::pair<uint64_t, uint64_t>(ask, ask);
    };
    model_options.arena_pages = setting.arena_bytes / (4 << 20) * 512;
    model_options.fresh_released = true;
    model_options.whole_os_pages = false;
    RunModel model(model_options);
    // How far the pages of each 64 MiB were ever handed out.
    std::map<uint64_t, uint64_t> handed;

    SeededRandom random(seed);
    std::vector<SpanId> held;
    uint64_t refused = 0;
    for (int i = 0; i < 3000; ++i) {
      SCOPED_TRACE(absl::StrCat("operation ", i));
      const bool growing = (i / 500) % 2 == 0;
      const uint32_t what = random.Next() % 100;
      if (what < 3) {
        // Which pages go is its own affair; that they are free, and count once, is checked.
        const uint64_t was = heap.pages().FreeUnreleased().v;
        const Bytes n = random.Next() % 2 == 0
                            ? heap.Release(Bytes(1 + random.Next() % (8 << 20)))
                            : heap.Scavenge(0, static_cast<uint64_t>(fakes.clock.now), 1000);
        ASSERT_EQ(heap.pages().FreeUnreleased().v, was - n.v);
      } else if (held.empty() || what < (growing ? 65 : 40)) {
        uint64_t n = setting.shortest + random.Next() % 30;
        if (random.Next() % 10 == 0) {
          n = setting.shortest + random.Next() % (setting.longest - setting.shortest);
        }
        const SpanId id = heap.AllocateManual(Pages(n), SpanKind::kStack);
        const auto placed = model.Allocate(n, 1);
        ASSERT_EQ(id != kNoSpan, placed.has_value());
        if (id == kNoSpan) {
          ++refused;
          continue;
        }
        ASSERT_EQ(heap.spans().PageIndex(heap.spans()[id].address()), placed->first);
        bool needzero = false;
        for (uint64_t p = placed->first; p < placed->first + n; ++p) {
          needzero |= p < handed[p / 8192];
        }
        for (uint64_t p = placed->first; p < placed->first + n; ++p) {
          handed[p / 8192] = std::max(handed[p / 8192], p + 1);
        }
        ASSERT_EQ(heap.spans()[id].needzero, needzero);
        held.push_back(id);
      } else {
        const size_t at = random.Next() % held.size();
        const Span s = heap.spans()[held[at]];
        heap.FreeManual(held[at], SpanKind::kStack);
        model.Free(heap.spans().PageIndex(s.address()), s.npages, true, 1);
        held[at] = held.back();
        held.pop_back();
      }
      fakes.clock.now += 100;
      std::vector<std::pair<uint64_t, uint64_t>> free, expected;
      heap.pages().ForEachFree(
          [&](const FreeRun& r) { free.emplace_back(heap.spans().PageIndex(r.base), r.pages.v); });
      for (const RunModel::Run& r : model.runs()) expected.emplace_back(r.first, r.pages);
      ASSERT_EQ(free, expected);
      for (const RunModel::Run& r : model.runs()) {
        for (uint64_t p = r.first; p < r.end(); ++p) {
          const Address a = layout.start + Pages(p).bytes();
          ASSERT_EQ(
              pages.IsReleased(p),
              pages.heap().bits().chunk(go119::ChunkIndex(a)).scavenged.Get(go119::PageInChunk(a)))
              << "page " << p;
        }
      }
      ASSERT_NO_THROW(heap.SelfCheck());
    }
    EXPECT_EQ(refused > 0, setting.arena_bytes < (100u << 20));
  }
}

INSTANTIATE_TEST_SUITE_P(, Go119PagesTest,
                         testing::Values(Setting{"WithoutCaches", 0, 1, 900, uint64_t{512} << 20},
                                         Setting{"LargeRequests", 3, 16, 900, uint64_t{512} << 20},
                                         Setting{"EndOfTheArena", 0, 1, 300,
                                                 (uint64_t{26} << 20) + kPageSize}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Go119Pages, ACachedPageIsFreeButStays) {
  const ArenaLayout layout = SmallLayout(Bytes(64 << 20));
  Fakes fakes(layout.start);
  HeapOptions options;
  options.layout = layout;
  Heap heap(options, fakes.seams(), [](const PageContext& c) -> std::unique_ptr<PageAllocator> {
    return std::make_unique<Go119Pages>(c);
  });
  const SpanId a = heap.AllocateManual(Pages(1), SpanKind::kStack);
  heap.AllocateManual(Pages(1), SpanKind::kStack);
  // What is freed goes to the bitmap, the 62 others of the block are still the P's. All but the one
  // page is as it came from the system.
  heap.FreeManual(a, SpanKind::kStack);
  EXPECT_EQ(heap.stats().heap_idle, Pages(511).bytes().v);
  EXPECT_EQ(heap.pages().FreeUnreleased(), Pages(1).bytes());
  EXPECT_EQ(heap.Release(Bytes(~uint64_t{0})), Pages(1).bytes());
  // The P takes from its block, a request of 16 pages from behind it.
  const SpanId b = heap.AllocateManual(Pages(1), SpanKind::kStack);
  EXPECT_EQ(heap.spans()[b].address(), layout.start + Pages(2).bytes());
  const SpanId c = heap.AllocateManual(Pages(16), SpanKind::kStack);
  EXPECT_EQ(heap.spans()[c].address(), layout.start + Pages(64).bytes());
  heap.SelfCheck();
}

}  // namespace
}  // namespace heapsim::heap
