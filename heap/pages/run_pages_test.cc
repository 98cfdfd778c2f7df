// Page allocators of free runs against their models: the list of runs, and a rule of choice that is
// looked up in it from scratch.

#include "heap/pages/run_pages.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/naive/run_model.h"
#include "heap/pages/registry.h"

namespace heapsim::heap {
namespace {

using naive::RunModel;
using Run = RunModel::Run;

// ---------------------------------------------------------------- rules of choice

// The best of the runs that are long enough: `better(a, b)`, the lowest among equals.
template <typename Better>
std::optional<uint64_t> Best(const RunModel& m, uint64_t n, Better better) {
  std::optional<Run> best;
  for (const Run& r : m.runs()) {
    if (r.pages >= n && (!best || better(r, *best))) best = r;
  }
  return best ? std::optional<uint64_t>(best->first) : std::nullopt;
}

std::optional<uint64_t> BestFit(const RunModel& m, uint64_t n) {
  return Best(m, n, [](const Run& a, const Run& b) { return a.pages < b.pages; });
}

std::optional<uint64_t> WorstFit(const RunModel& m, uint64_t n) {
  return Best(m, n, [](const Run& a, const Run& b) { return a.pages > b.pages; });
}

std::optional<uint64_t> FirstFit(const RunModel& m, uint64_t n) {
  return Best(m, n, [](const Run&, const Run&) { return false; });
}

// With the rover that goes with it.
class NextFit {
 public:
  std::optional<uint64_t> operator()(const RunModel& m, uint64_t n) {
    // The runs, beginning with the one that the rover is in or that is above it.
    std::vector<Run> order;
    for (const Run& r : m.runs()) {
      if (r.end() > rover_) order.push_back(r);
    }
    for (const Run& r : m.runs()) {
      if (r.end() <= rover_) order.push_back(r);
    }
    for (const Run& r : order) {
      if (r.pages < n) continue;
      rover_ = r.first + n;
      return r.first;
    }
    return std::nullopt;
  }

 private:
  uint64_t rover_ = 0;
};

// Where buddies always join, the free blocks are the largest aligned ones that are free.
bool FreeBlock(const RunModel& m, uint64_t first, uint64_t size) {
  for (const Run& r : m.runs()) {
    if (r.first <= first && first + size <= r.end()) return true;
  }
  return false;
}

uint64_t BlockFor(uint64_t n) {
  uint64_t size = 1;
  while (size < n) size *= 2;
  return size;
}

std::optional<uint64_t> Buddy(const RunModel& m, uint64_t n) {
  for (uint64_t size = BlockFor(n); size <= m.pages(); size *= 2) {
    for (uint64_t first = 0; first + size <= m.pages(); first += size) {
      if (FreeBlock(m, first, size) && !FreeBlock(m, first / (2 * size) * (2 * size), 2 * size)) {
        return first;
      }
    }
  }
  return std::nullopt;
}

std::pair<uint64_t, uint64_t> UsualGrowth(const RunModel&, uint64_t n) {
  const uint64_t less = (n + 7) / 8 * 8;
  return {std::max<uint64_t>(less, 128), less};
}

std::pair<uint64_t, uint64_t> BuddyGrowth(const RunModel& m, uint64_t n) {
  const uint64_t size = BlockFor(n);
  uint64_t block = 0;
  while (block + size <= m.pages()) block += size;
  if (block != m.pages() && !FreeBlock(m, block, m.pages() - block)) block += size;
  return UsualGrowth(m, block + size - m.pages());
}

// ---------------------------------------------------------------- the test

struct Policy {
  const char* name;
  RunModel::Choose choose;
  RunModel::Grow grow;
};

Policy Rule(const std::string& name) {
  if (name == "best_fit") return {"best_fit", BestFit, UsualGrowth};
  if (name == "worst_fit") return {"worst_fit", WorstFit, UsualGrowth};
  if (name == "first_fit") return {"first_fit", FirstFit, UsualGrowth};
  if (name == "next_fit") return {"next_fit", NextFit(), UsualGrowth};
  return {"buddy", Buddy, BuddyGrowth};
}

struct Setting {
  const char* name;
  uint64_t seeds, operations, arena_bytes, os_page, longest;
};

constexpr Setting kSettings[] = {{"Usual", 6, 1500, 256 << 20, 4096, 900},
                                 {"SystemPages16K", 4, 1200, 256 << 20, 16 << 10, 300},
                                 {"SystemPages64K", 4, 1200, 256 << 20, 64 << 10, 300},
                                 {"EndOfTheArena", 6, 1500, (9 << 20) + 5 * 65536, 4096, 300}};

class RunPagesTest : public testing::TestWithParam<std::pair<const char*, Setting>> {};

void Compare(const char* name, const Setting& setting, uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  const ArenaLayout layout = SmallLayout(Bytes(setting.arena_bytes));
  Fakes fakes(layout.start, seed);
  fakes.os.physical_page = Bytes(setting.os_page);
  HeapOptions options;
  options.layout = layout;
  const PagesFactory factory = MakePages(name);
  ASSERT_NE(factory, nullptr);
  Heap heap(options, fakes.seams(), factory);
  const auto& pages = static_cast<const RunPages&>(heap.pages());
  const Policy rule = Rule(name);
  RunModel::Options model_options;
  model_options.choose = rule.choose;
  model_options.grow = rule.grow;
  model_options.arena_pages = setting.arena_bytes >> kPageShift;
  model_options.os_pages = std::max<uint64_t>(1, setting.os_page >> kPageShift);
  RunModel model(model_options);

  SeededRandom random(seed + 77);
  std::vector<SpanId> held;
  uint64_t refused = 0, taken_pages = 0;
  for (uint64_t i = 0; i < setting.operations; ++i) {
    SCOPED_TRACE(absl::StrCat("operation ", i));
    fakes.clock.now += random.Next() % 100;
    const uint32_t what = random.Next() % 100;
    const bool growing = (i / 300) % 2 == 0;
    if (what < 3) {
      const uint64_t now = static_cast<uint64_t>(fakes.clock.now);
      const uint64_t limit = random.Next() % 4 == 0 ? 0 : random.Next() % 3000;
      ASSERT_EQ(heap.Scavenge(0, now, limit), Pages(model.Scavenge(now, limit)).bytes());
    } else if (what < 8) {
      const uint64_t want = 1 + random.Next() % (random.Next() % 4 == 0 ? 500 : 20);
      ASSERT_EQ(heap.Release(Pages(want).bytes()), Pages(model.Release(want)).bytes());
    } else if (held.empty() || what < (growing ? 66 : 40)) {
      uint64_t n = 1 + random.Next() % 12;
      if (random.Next() % 4 == 0) n = 1 + random.Next() % 140;
      if (random.Next() % 20 == 0) n = 1 + random.Next() % setting.longest;
      fakes.observer.lines.clear();
      const SpanId id = heap.AllocateManual(Pages(n), SpanKind::kStack);
      const auto placed = model.Allocate(n, fakes.clock.now);
      ASSERT_EQ(id != kNoSpan, placed.has_value());
      if (id == kNoSpan) {
        ++refused;
      } else {
        const Span& s = heap.spans()[id];
        ASSERT_EQ(heap.spans().PageIndex(s.address()), placed->first);
        ASSERT_EQ(s.npages, n);
        // "A} id offset pages source needzero grew"
        ASSERT_EQ(
            fakes.observer.lines.back(),
            absl::StrCat("A} ", id, " ", absl::Hex(placed->first << kPageShift), " ", n, " ",
                         placed->source, " ", placed->needzero ? 1 : 0, " ", placed->grew ? 1 : 0));
        held.push_back(id);
        taken_pages += n;
      }
    } else {
      const size_t at = random.Next() % held.size();
      const SpanId id = held[at];
      held[at] = held.back();
      held.pop_back();
      const uint64_t first = heap.spans().PageIndex(heap.spans()[id].address());
      const uint64_t n = heap.spans()[id].npages;
      taken_pages -= n;
      heap.FreeManual(id, SpanKind::kStack);
      model.Free(first, n, true, fakes.clock.now);
    }
    std::string free;
    uint64_t idle = 0, released = 0;
    heap.pages().ForEachFree([&](const FreeRun& r) {
      const uint64_t first = (r.base - layout.start).v >> kPageShift;
      absl::StrAppend(&free, first, "+", r.pages.v, "-", r.released.v, " ");
      idle += r.pages.v;
      released += r.released.v;
    });
    ASSERT_EQ(free, model.Free());
    for (uint64_t p = 0; p < model.pages(); ++p) {
      ASSERT_EQ(pages.IsReleased(p), model.released()[p]) << "page " << p;
    }
    ASSERT_EQ(heap.stats().heap_idle, Pages(idle).bytes().v);
    ASSERT_EQ(heap.stats().heap_released, Pages(released).bytes().v);
    ASSERT_EQ(heap.pages().FreeUnreleased(), Pages(idle - released).bytes());
    ASSERT_EQ(heap.stats().stacks_inuse, Pages(taken_pages).bytes().v);
    ASSERT_NO_THROW(heap.SelfCheck());
  }
  EXPECT_EQ(refused > 0, setting.arena_bytes < (20u << 20));  // whether the arena's end was seen
}

TEST_P(RunPagesTest, SameAsTheModel) {
  const auto& [name, setting] = GetParam();
  for (uint64_t seed = 1; seed <= setting.seeds && !HasFatalFailure(); ++seed) {
    Compare(name, setting, seed);
  }
}

std::vector<std::pair<const char*, Setting>> All() {
  std::vector<std::pair<const char*, Setting>> all;
  for (const char* name : {"best_fit", "worst_fit", "first_fit", "next_fit", "buddy"}) {
    for (const Setting& s : kSettings) all.emplace_back(name, s);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(, RunPagesTest, testing::ValuesIn(All()), [](const auto& info) {
  return absl::StrCat(info.param.first, "_", info.param.second.name);
});

}  // namespace
}  // namespace heapsim::heap
