// What holds for every page allocator there is, whatever it chooses: pages are handed out once, the
// books are right, what is released is free, two runs are the same.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/pages/registry.h"

namespace heapsim::heap {
namespace {

// Whatever the allocator tells the system, in order.
class Listener final : public Observer {
 public:
  void RangeUnused(Address a, Bytes n) override { given_back.emplace_back(a, n); }
  std::vector<std::pair<Address, Bytes>> given_back;
};

class AllPagesTest : public testing::TestWithParam<PagesKind> {};

// A text that says everything that happened.
std::string Drive(const PagesKind& kind, uint64_t seed, uint64_t arena_bytes, uint64_t os_page,
                  uint64_t operations) {
  const ArenaLayout layout = SmallLayout(Bytes(arena_bytes));
  Fakes fakes(layout.start, seed);
  fakes.os.physical_page = Bytes(os_page);
  Listener listener;
  HeapSeams seams = fakes.seams();
  seams.observer = &listener;
  HeapOptions options;
  options.layout = layout;
  options.procs = 3;
  Heap heap(options, seams, kind.make);
  SeededRandom random(seed);
  std::string log;
  std::map<uint64_t, std::pair<uint64_t, SpanId>> held;  // by first page: pages
  uint64_t held_pages = 0;
  // What page_allocator.h lets stay after a forced release.
  const bool caches = absl::string_view(kind.name) == "go119";
  const uint64_t kept = caches ? Pages(64 * options.procs).bytes().v : 0;
  for (uint64_t i = 0; i < operations; ++i) {
    SCOPED_TRACE(absl::StrCat("operation ", i));
    fakes.clock.now += random.Next() % 2000000;
    const uint32_t what = random.Next() % 100;
    const bool growing = (i / 500) % 2 == 0;
    listener.given_back.clear();
    const uint64_t unreleased = heap.pages().FreeUnreleased().v;
    if (what < 2) {
      const uint64_t limit = random.Next() % 2 == 0 ? 0 : random.Next() % 300000000;
      const uint64_t now = limit == 0 ? ~uint64_t{0} : static_cast<uint64_t>(fakes.clock.now);
      const Bytes n = heap.Scavenge(0, now, limit);
      absl::StrAppend(&log, "scavenged ", n.v, "\n");
      EXPECT_EQ(heap.pages().FreeUnreleased().v, unreleased - n.v);
      // With holes between what is used. Temeraire's regions may keep some: temeraire_test.
      if (limit == 0 && os_page <= kPageSize && absl::string_view(kind.name) != "temeraire") {
        EXPECT_LE(heap.pages().FreeUnreleased().v, kept);
      }
    } else if (what < 6) {
      const Bytes want(1 + random.Next() % (random.Next() % 4 == 0 ? 8 << 20 : 200000));
      const Bytes n = heap.Release(want);
      absl::StrAppend(&log, "released ", n.v, "\n");
      EXPECT_EQ(heap.pages().FreeUnreleased().v, unreleased - n.v);
    } else if (held.empty() || what < (growing ? 66 : 38)) {
      uint64_t n = 1 + random.Next() % 12;
      if (random.Next() % 4 == 0) n = 1 + random.Next() % 140;
      if (random.Next() % 25 == 0) n = 1 + random.Next() % 1200;
      if (random.Next() % 400 == 0) n = 1 + random.Next() % 9000;
      const SpanId id = heap.AllocateManual(Pages(n), SpanKind::kWorkBuffer);
      if (id == kNoSpan) {
        absl::StrAppend(&log, "refused ", n, "\n");
        continue;
      }
      const Span& s = heap.spans()[id];
      const uint64_t first = heap.spans().PageIndex(s.address());
      absl::StrAppend(&log, "took ", first, " ", s.needzero, "\n");
      EXPECT_EQ(s.npages, n);
      const auto above = held.lower_bound(first);
      if (above != held.end()) {
        EXPECT_LE(first + n, above->first);
      }
      if (above != held.begin()) {
        EXPECT_LE(std::prev(above)->first + std::prev(above)->second.first, first);
      }
      held[first] = {n, id};
      held_pages += n;
    } else {
      const auto it = std::next(held.begin(), random.Next() % held.size());
      heap.FreeManual(it->second.second, SpanKind::kWorkBuffer);
      held_pages -= it->second.first;
      held.erase(it);
    }
    for (const auto& [address, bytes] : listener.given_back) {
      absl::StrAppend(&log, "gave back ", address.v, " ", bytes.v, "\n");
      EXPECT_EQ(address.v % os_page, 0u);
      EXPECT_EQ(bytes.v % os_page, 0u);
      const uint64_t first = heap.spans().PageIndex(address), end = first + (bytes.v >> kPageShift);
      const auto above = held.lower_bound(first);
      if (above != held.end()) {
        EXPECT_LE(end, above->first);
      }
      // The last operation may have taken it at once.
      if (above != held.begin() && what >= 6) continue;
      if (above != held.begin()) {
        EXPECT_LE(std::prev(above)->first + std::prev(above)->second.first, first);
      }
    }
    const uint64_t all = (heap.arena().used() - layout.start).v >> kPageShift;
    EXPECT_EQ(heap.stats().heap_idle, Pages(all - held_pages).bytes().v);
    if (i % 10 == 0) {
      EXPECT_NO_THROW(heap.SelfCheck());
    }
    if (testing::Test::HasFailure()) return log;
  }
  // In the end everything can go.
  for (const auto& [first, span] : held) heap.FreeManual(span.second, SpanKind::kWorkBuffer);
  heap.Scavenge(-1, ~uint64_t{0}, 0);
  EXPECT_NO_THROW(heap.SelfCheck());
  const uint64_t left = heap.pages().FreeUnreleased().v;
  absl::StrAppend(&log, "left ", left, "\n");
  // All of it but what page_allocator.h excepts: with larger OS pages, parts of them.
  if (os_page <= kPageSize) {
    EXPECT_LE(left, kept);
    // Whoever holds nothing back for demand has nothing left to find.
    EXPECT_EQ(heap.Release(Bytes(~uint64_t{0})), Bytes(0));
  }
  heap.pages().ForEachFree([&](const FreeRun& r) {
    absl::StrAppend(&log, r.base.v, " ", r.pages.v, " ", r.released.v, "\n");
  });
  return log;
}

TEST_P(AllPagesTest, RandomOperations) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const uint64_t os_page = seed == 3 ? 16 << 10 : seed == 4 ? 64 << 10 : 4096;
    const std::string log = Drive(GetParam(), seed, uint64_t{2} << 30, os_page, 4000);
    EXPECT_EQ(log, Drive(GetParam(), seed, uint64_t{2} << 30, os_page, 4000));
    EXPECT_EQ(log.find("refused"), std::string::npos);
  }
}

TEST_P(AllPagesTest, TheArenasEnd) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::string log = Drive(GetParam(), seed, uint64_t{48} << 20, 4096, 3000);
    EXPECT_NE(log.find("refused"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(, AllPagesTest, testing::ValuesIn(AllPages().begin(), AllPages().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace heapsim::heap
