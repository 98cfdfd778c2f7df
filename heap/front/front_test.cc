#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "heap/classes/tcmalloc.h"
#include "heap/fakes.h"
#include "heap/front/direct.h"
#include "heap/front/tcmalloc.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint32_t kProcs = 3;

struct Fixture {
  explicit Fixture(FrontEnd* front, const SizeClasses* classes = &TcmallocClasses(),
                   uint64_t arena = 256 * kMiB)
      : layout(SmallLayout(Bytes(arena))), fakes(layout.start) {
    HeapOptions options;
    options.layout = layout;
    options.reclaim = Reclaim::kExplicit;
    options.procs = kProcs;
    options.classes = classes;
    options.front_end = front;
    options.tiny = false;
    heap = std::make_unique<Heap>(options, fakes.seams());
  }
  Placement Take(uint32_t p, uint64_t size) { return heap->Malloc(p, size, true, false); }
  void Give(uint32_t p, BitIndex bit) {
    heap->SetProc(p);
    heap->FreeSlot(bit);
  }
  SpanId SpanOf(BitIndex bit) const { return heap->bits().OwnerOf(bit); }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

SpanClass ClassOf(uint64_t size) {
  return static_cast<SpanClass>(TcmallocClasses().ClassOf(size) << 1 | 1);
}

// Nobody gets a slot that somebody has, and the heap says of exactly the slots that somebody has
// that they are taken, whatever lies in caches.
void RunRandomly(FrontEnd* front, uint64_t seed) {
  Fixture f(front);
  std::mt19937_64 random(seed);
  std::vector<Placement> live;
  std::set<BitIndex> bits;
  const auto check = [&] {
    f.heap->SelfCheck();
    std::set<SpanId> spans;
    uint64_t taken = 0;
    for (const Placement& r : live) {
      if (!spans.insert(f.SpanOf(r.bit)).second) continue;
      uint64_t words[16];
      f.heap->AllocatedSlots(f.SpanOf(r.bit), words);
      const Span& s = f.heap->spans()[f.SpanOf(r.bit)];
      for (uint32_t slot = 0; slot < s.nelems; ++slot) {
        const bool is_taken = (words[slot / 64] >> (slot % 64) & 1) != 0;
        ASSERT_EQ(is_taken, bits.count(uint64_t{s.bits} * 64 + slot) == 1);
        taken += is_taken;
      }
    }
    ASSERT_EQ(taken, live.size());
    const MemStats m = f.heap->ReadStats();
    uint64_t allocs = m.nlargealloc, frees = m.nlargefree, bytes = 0;
    for (const uint64_t n : m.nmalloc) allocs += n;
    for (const uint64_t n : m.nsmallfree) frees += n;
    ASSERT_EQ(allocs - frees, live.size());
    for (const Placement& r : live) bytes += f.heap->spans()[f.SpanOf(r.bit)].slot_bytes();
    ASSERT_EQ(m.heap_live, bytes);
  };
  for (int i = 0; i < 60000; ++i) {
    const uint32_t p = static_cast<uint32_t>(random() % kProcs);
    // Growing, then shrinking.
    const bool grow = random() % 100 < (i / 15000 % 2 == 0 ? 55u : 45u);
    if (grow || live.empty()) {
      const uint64_t size = random() % 50 == 0  ? 1 + random() % 100000
                            : random() % 5 == 0 ? 1 + random() % 4000
                                                : 8 + random() % 8 * 16;
      live.push_back(f.Take(p, size));
      ASSERT_TRUE(bits.insert(live.back().bit).second) << "a slot was given twice";
    } else {
      std::swap(live[random() % live.size()], live.back());
      bits.erase(live.back().bit);
      f.Give(p, live.back().bit);
      live.pop_back();
    }
    if (i % 3000 == 0) check();
  }
  for (const Placement& r : live) f.Give(0, r.bit);
  live.clear();
  bits.clear();
  front->Flush();
  check();
  EXPECT_EQ(f.heap->stats().heap_inuse, 0u) << "a span without objects stays";
}

TEST(DirectFrontEndTest, RandomUse) {
  DirectFrontEnd front;
  RunRandomly(&front, 1);
}

TEST(TcmallocFrontEndTest, RandomUse) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    TcmallocFrontEnd::Options options;
    if (seed == 2) options.transfer_batches = 0;
    if (seed == 3) options.max_bytes = 10000;
    if (seed == 4) options.batch_slots = 2;
    TcmallocFrontEnd front(options);
    RunRandomly(&front, seed);
  }
}

TEST(DirectFrontEndTest, TakesTheLowestSlotOfTheSpanThatLastGotOne) {
  DirectFrontEnd front;
  Fixture f(&front);
  std::vector<Placement> all;
  for (int i = 0; i < 16; ++i) all.push_back(f.Take(0, 1024));  // two spans of 8
  for (int i = 1; i < 16; ++i) {
    EXPECT_EQ(all[i].address, i == 8 ? all[8].address : all[i - 1].address + 1024);
  }
  f.Give(1, all[3].bit);
  f.Give(1, all[12].bit);
  f.Give(1, all[10].bit);
  EXPECT_EQ(f.Take(2, 1000).address, all[10].address);
  EXPECT_EQ(f.Take(2, 1000).address, all[12].address);
  EXPECT_EQ(f.Take(2, 1000).address, all[3].address);
}

TEST(DirectFrontEndTest, AnEmptySpanGoesAtOnce) {
  DirectFrontEnd front;
  Fixture f(&front);
  const Placement a = f.Take(0, 1024), b = f.Take(0, 1024);
  EXPECT_EQ(f.heap->stats().heap_inuse, kPageSize);
  f.Give(0, a.bit);
  f.Give(0, b.bit);
  EXPECT_EQ(f.heap->stats().heap_inuse, 0u);
}

TEST(TcmallocFrontEndTest, ListsStartSlowly) {
  TcmallocFrontEnd front({});
  Fixture f(&front);
  const SpanClass c = ClassOf(64);
  // An empty list takes as many as it may hold, and may hold one more afterwards.
  uint32_t takes = 0;
  for (uint32_t batch = 1; batch <= 32; ++batch) {
    EXPECT_EQ(front.max_length(0, c), batch);
    for (uint32_t i = 0; i < batch; ++i, ++takes) f.Take(0, 64);
    // One span has 128 slots; what it cannot give is not made for the rest of a batch.
    if (front.length(0, c) != 0) break;
  }
  EXPECT_GT(takes, 100u);
  EXPECT_EQ(front.max_length(1, c), 1u) << "each cache has its own";
}

TEST(TcmallocFrontEndTest, TheLastFreedIsTheFirstTaken) {
  TcmallocFrontEnd front({});
  Fixture f(&front);
  std::vector<Placement> all;
  for (int i = 0; i < 30; ++i) all.push_back(f.Take(0, 64));
  f.Give(0, all[3].bit);
  f.Give(0, all[7].bit);
  EXPECT_EQ(f.Take(0, 64).address, all[7].address);
  EXPECT_EQ(f.Take(0, 64).address, all[3].address);
  // A slot freed on another P is that P's.
  f.Give(1, all[5].bit);
  EXPECT_EQ(front.length(1, ClassOf(64)), 1u);
  EXPECT_EQ(f.Take(1, 64).address, all[5].address);
}

TEST(TcmallocFrontEndTest, WholeBatchesRestInTheTransferCache) {
  TcmallocFrontEnd::Options options;
  options.transfer_batches = 2;
  TcmallocFrontEnd front(options);
  Fixture f(&front);
  const SpanClass c = ClassOf(2048);  // batches of 32
  std::vector<Placement> all;
  for (int i = 0; i < 2000; ++i) all.push_back(f.Take(0, 2048));
  for (const Placement& r : all) f.Give(0, r.bit);
  EXPECT_EQ(front.transfer_batches(c), 2u);
  EXPECT_LE(front.length(0, c), front.max_length(0, c));
  const uint64_t cached = front.length(0, c) + 64;
  EXPECT_GE(f.heap->stats().heap_inuse, cached * 2048);
  EXPECT_LT(f.heap->stats().heap_inuse, 2000u * 2048) << "the others went to their spans";
  // Another P takes them from there: its list must be allowed a batch first.
  for (uint32_t i = 0; i < 33 * 32 / 2 && front.transfer_batches(c) == 2; ++i) f.Take(1, 2048);
  EXPECT_EQ(front.transfer_batches(c), 1u);
}

TEST(TcmallocFrontEndTest, ACacheAboveItsLimitGivesBackWhatItDoesNotUse) {
  TcmallocFrontEnd::Options options;
  options.max_bytes = 64 << 10;
  TcmallocFrontEnd front(options);
  Fixture f(&front);
  std::vector<Placement> all;
  for (int i = 0; i < 3000; ++i) all.push_back(f.Take(0, 256));
  for (const Placement& r : all) f.Give(0, r.bit);
  for (int round = 0; round < 200; ++round) {
    // Used and freed again, so that the first class's slots are seen to rest.
    all.clear();
    for (int i = 0; i < 100; ++i) all.push_back(f.Take(0, 1024));
    for (const Placement& r : all) f.Give(0, r.bit);
  }
  EXPECT_LE(front.length(0, ClassOf(256)) * 256u + front.length(0, ClassOf(1024)) * 1024u,
            options.max_bytes + 32 * 1024u);
  front.SelfCheck();
}

TEST(TcmallocFrontEndTest, FullerSpansAreUsedFirst) {
  TcmallocFrontEnd::Options options;
  options.max_bytes = 0;  // nothing rests in caches for long
  options.transfer_batches = 0;
  TcmallocFrontEnd front(options);
  Fixture f(&front);
  std::map<SpanId, std::vector<Placement>> spans;
  for (int i = 0; i < 128 * 3; ++i) {
    const Placement r = f.Take(0, 64);
    spans[f.SpanOf(r.bit)].push_back(r);
  }
  ASSERT_EQ(spans.size(), 3u);
  // The first keeps 3 slots, the second 100, the third 20.
  const uint32_t keep[] = {3, 100, 20};
  int i = 0;
  SpanId fullest = kNoSpan;
  for (auto& [id, slots] : spans) {
    if (i == 1) fullest = id;
    while (slots.size() > keep[i]) {
      f.Give(1, slots.back().bit);
      slots.pop_back();
    }
    ++i;
  }
  front.Flush();
  EXPECT_EQ(f.SpanOf(f.Take(2, 64).bit), fullest);
}

TEST(TcmallocFrontEndTest, TheEndOfTheArenaLosesNoSlot) {
  TcmallocFrontEnd front({});
  Fixture f(&front, &TcmallocClasses(), 4 * kMiB);
  std::vector<Placement> all;
  EXPECT_THROW(
      {
        while (true) all.push_back(f.Take(0, 512));
      },
      FatalError);
  EXPECT_GT(all.size(), 7000u);
  f.heap->SelfCheck();
  for (const Placement& r : all) f.Give(0, r.bit);
  front.Flush();
  f.heap->SelfCheck();
  EXPECT_EQ(f.heap->stats().heap_inuse, 0u);
}

}  // namespace
}  // namespace heapsim::heap
