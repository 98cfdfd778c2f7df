#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

class CentralTest : public testing::Test {
 protected:
  CentralTest() : layout_(SmallLayout(Bytes(64 << 20))), fakes_(layout_.start) {
    HeapOptions options;
    options.layout = layout_;
    options.procs = 2;
    heap_ = std::make_unique<Heap>(options, fakes_.seams());
    Sweep();
  }
  Placement Live(uint64_t size, uint32_t p = 0) {
    const Placement r = heap_->Malloc(p, size, true, false);
    fakes_.marker.live.insert(r.bit);
    return r;
  }
  void Sweep() {
    while (heap_->SweepStep(SweepCause::kBackground) != -1) {
    }
  }
  void StartCycle() {
    Sweep();
    heap_->FlushAll();
    heap_->StartSweep();
    fakes_.observer.lines.clear();
  }
  std::vector<std::string> Lines(absl::string_view prefix) {
    std::vector<std::string> found;
    for (const std::string& line : fakes_.observer.lines) {
      if (absl::StartsWith(line, prefix)) found.push_back(line);
    }
    fakes_.observer.lines.clear();
    return found;
  }
  using Strings = std::vector<std::string>;

  ArenaLayout layout_;
  Fakes fakes_;
  std::unique_ptr<Heap> heap_;
};

TEST_F(CentralTest, SlotsInRisingOrderAcrossWords) {
  // 8-byte objects with pointers: 1,024 slots, 16 words.
  const uint64_t base = heap_->Malloc(0, 8, false, false).address;
  for (uint64_t i = 1; i < 1024; ++i) {
    ASSERT_EQ(heap_->Malloc(0, 8, false, false).address, base + 8 * i);
  }
  EXPECT_FALSE(heap_->Malloc(0, 8, false, false).address == base + 8192 &&
               heap_->Cached(0, 2) == heap_->SpanOf(Address(base)));
  heap_->SelfCheck();
}

// After a sweep what is handed out is what the marks left free, wherever words begin and end.
TEST_F(CentralTest, SlotsThatASweepLeftFree) {
  std::vector<Placement> all;
  for (int i = 0; i < 512; ++i) all.push_back(Live(16));
  std::vector<uint64_t> free;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool dead = i == 0 || i == 62 || i == 63 || i == 64 || i == 127 || i == 256 || i == 511;
    if (!dead) continue;
    fakes_.marker.live.erase(all[i].bit);
    free.push_back(all[i].address);
  }
  StartCycle();
  for (const uint64_t address : free) EXPECT_EQ(Live(16).address, address);
  const SpanId id = heap_->SpanOf(Address(free[0]));
  EXPECT_EQ(heap_->Cached(0, 5), id);
  Live(16);
  EXPECT_NE(heap_->Cached(0, 5), id);
  heap_->SelfCheck();
}

TEST_F(CentralTest, WhereASpanComesFrom) {
  const SpanClass c = static_cast<SpanClass>(heap_->classes().ClassOf(1024) << 1 | 1);
  std::vector<Placement> all;
  for (int i = 0; i < 24; ++i) all.push_back(Live(1024));  // spans 1, 2, 3, full
  const Placement partial = Live(1024, 1);                 // span 4
  fakes_.marker.live.erase(all[2].bit);
  fakes_.marker.live.erase(all[20].bit);
  StartCycle();
  const auto refill = [&] {
    const SpanId before = heap_->Cached(0, c);
    while (heap_->Cached(0, c) == before) Live(1024);
    return Lines("R}");
  };
  const auto span = [&](const Placement& p) { return heap_->SpanOf(Address(p.address)); };
  // One with free slots, to be swept: the other cache's.
  EXPECT_EQ(refill(), Strings{absl::StrCat("R} ", span(partial), " 6000 1 1 0 ", 32768)});
  // Full ones, oldest first: the first has a slot, the second has none and stays at the list's end,
  // the third has one.
  EXPECT_EQ(refill(), Strings{absl::StrCat("R} ", span(all[0]), " 0 2 7 2 ", 32768 + 1024)});
  EXPECT_EQ(refill(), Strings{absl::StrCat("R} ", span(all[16]), " 4000 2 7 4 ", 32768 + 2048)});
  // All are swept and full.
  const Strings grown = refill();
  EXPECT_EQ(grown,
            Strings{absl::StrCat("R} ", heap_->Cached(0, c), " 8000 3 0 0 ", 32768 + 2048 + 8192)});
  EXPECT_TRUE(heap_->TakeGcCheck());
  EXPECT_FALSE(heap_->TakeGcCheck());
  heap_->SelfCheck();
}

TEST_F(CentralTest, FlushedSpansAreTakenNewestFirst) {
  const Placement a = Live(1024, 0), b = Live(1024, 1);
  fakes_.observer.lines.clear();
  heap_->FlushAll();
  EXPECT_EQ(Lines("X"), (Strings{absl::StrCat("X ", uint32_t{a.span_class}, " ",
                                              heap_->SpanOf(Address(a.address)), " 0 7"),
                                 absl::StrCat("X ", uint32_t{b.span_class}, " ",
                                              heap_->SpanOf(Address(b.address)), " 2000 7")}));
  EXPECT_EQ(heap_->tiny_block(0).address, 0u);
  EXPECT_EQ(Live(1024).address, b.address + 1024);  // swept, not of the old generation
  EXPECT_EQ(Lines("R}").size(), 1u);
  EXPECT_EQ(Live(1024, 1).address, a.address + 1024);
  heap_->SelfCheck();
}

// A new span takes room for its allocation bits and for its mark bits, a swept one for the next
// mark bits: 128 bytes each for 1,024 slots, from arenas of 65,520.
TEST_F(CentralTest, MemoryForBits) {
  const auto arenas = [&] {
    const std::vector<std::string>& calls = fakes_.os.calls;
    return std::count_if(calls.begin(), calls.end(), [](const std::string& c) {
      return absl::StartsWith(c, "alloc") && absl::EndsWith(c, " 10000 gc");
    });
  };
  const auto spans = [&](int n) {
    for (int i = 0; i < n * 1024; ++i) heap_->Malloc(0, 8, false, false);
  };
  spans(255);
  EXPECT_EQ(arenas(), 1);
  spans(1);
  EXPECT_EQ(arenas(), 2);
  const uint64_t before = heap_->stats().gc_sys;
  // Two sweeps of 256 spans take 512 runs; 510 fit in what the second arena has left.
  for (int i = 0; i < 2; ++i) {
    for (SpanId id = 1; id <= 256; ++id) {
      if (heap_->spans()[id].nelems == 1024) {
        fakes_.marker.live.insert(uint64_t{heap_->spans()[id].bits} * 64);
      }
    }
    StartCycle();  // the epoch stays the same, so that no arena is left half used
    Sweep();
  }
  EXPECT_EQ(arenas(), 3);
  EXPECT_EQ(heap_->stats().gc_sys, before + 65536);
  heap_->SelfCheck();
}

}  // namespace
}  // namespace heapsim::heap
