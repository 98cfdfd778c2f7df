#include "heap/heap.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

struct Fixture {
  explicit Fixture(uint64_t arena_bytes = 64 * kMiB, Reclaim reclaim = Reclaim::kGc)
      : layout(SmallLayout(Bytes(arena_bytes))), fakes(layout.start) {
    HeapOptions options;
    options.layout = layout;
    options.reclaim = reclaim;
    options.procs = 2;
    heap = std::make_unique<Heap>(options, fakes.seams());
  }
  void Sweep() {
    while (heap->SweepStep(SweepCause::kBackground) != -1) {
    }
  }
  void StartCycle() {
    Sweep();
    heap->FlushAll();
    heap->StartSweep();
  }
  uint64_t Offset(const Placement& p) const { return p.address - layout.start.v; }

  ArenaLayout layout;
  Fakes fakes;
  std::unique_ptr<Heap> heap;
};

TEST(HeapTest, TinyObjectsShareABlock) {
  Fixture f;
  const Placement a = f.heap->Malloc(0, 1, true, false);
  EXPECT_TRUE(a.tiny && a.fresh_block);
  const Placement b = f.heap->Malloc(0, 8, true, false);  // rounded up to 8
  EXPECT_TRUE(b.tiny && !b.fresh_block);
  EXPECT_EQ(b.address, a.address + 8);
  EXPECT_EQ(b.bit, a.bit);
  // The new block becomes the current one only where it has more room left.
  const Placement c = f.heap->Malloc(0, 15, true, false);
  EXPECT_TRUE(c.fresh_block);
  EXPECT_EQ(f.heap->tiny_block(0).address, c.address);
  const Placement d = f.heap->Malloc(0, 15, true, false);
  EXPECT_TRUE(d.fresh_block);
  EXPECT_EQ(f.heap->tiny_block(0).address, c.address);
  EXPECT_EQ(f.heap->Malloc(0, 1, true, false).address, c.address + 15);
  // Objects with pointers, and those of 16 bytes, are not tiny; each P has its own block.
  EXPECT_FALSE(f.heap->Malloc(0, 8, false, false).tiny);
  EXPECT_FALSE(f.heap->Malloc(0, 16, true, false).tiny);
  EXPECT_TRUE(f.heap->Malloc(1, 1, true, false).fresh_block);
  f.heap->SelfCheck();
}

TEST(HeapTest, TinyAlignment) {
  Fixture f;
  const uint64_t base = f.heap->Malloc(0, 1, true, false).address;
  EXPECT_EQ(f.heap->Malloc(0, 2, true, false).address, base + 2);
  EXPECT_EQ(f.heap->Malloc(0, 4, true, false).address, base + 4);
  EXPECT_EQ(f.heap->Malloc(0, 1, true, false).address, base + 8);
  EXPECT_EQ(f.heap->Malloc(0, 6, true, false).address, base + 10);
}

// Fresh memory is zero; what was used is cleared span by span for small objects, and for large ones
// where it is asked for.
TEST(HeapTest, ClearingOfRecycledPages) {
  Fixture f;
  f.heap->Malloc(0, 16 * kPageSize, true, true);
  f.StartCycle();
  f.Sweep();
  f.fakes.os.keep_touches = true;
  const uint64_t start = f.layout.start.v;
  f.heap->Malloc(0, 4 * kPageSize + 1, true, false);  // 5 pages, not asked for
  for (const auto& t : f.fakes.os.touches) EXPECT_FALSE(t.first == start && t.second > 4096);
  f.fakes.os.touches.clear();
  f.heap->Malloc(0, 4 * kPageSize + 1, true, true);
  EXPECT_EQ(std::count(f.fakes.os.touches.begin(), f.fakes.os.touches.end(),
                       std::make_pair(start + 5 * kPageSize, 5 * kPageSize)),
            1);
  f.fakes.os.touches.clear();
  f.heap->Malloc(0, 1024, true, false);
  EXPECT_EQ(std::count(f.fakes.os.touches.begin(), f.fakes.os.touches.end(),
                       std::make_pair(start + 10 * kPageSize, kPageSize)),
            1);
}

// --- Counters, and when what a cache counted reaches them: alloc_m and freeSpan of the runtime
// move scan and tiny counts, cachestats everything.

TEST(CountersTest, LargeAllocationsCountAtOnce) {
  Fixture f;
  f.heap->Malloc(0, 40000, true, false);
  const MemStats& m = f.heap->stats();
  EXPECT_EQ(m.largealloc, 40960u);
  EXPECT_EQ(m.nlargealloc, 1u);
  EXPECT_EQ(m.heap_objects, 1u);
  EXPECT_EQ(m.heap_live, 40960u);
  EXPECT_EQ(m.largefree, 0u);
}

TEST(CountersTest, LargeFreesCountInTheCache) {
  Fixture f;
  f.heap->Malloc(0, 40000, true, false);
  f.StartCycle();
  EXPECT_EQ(f.heap->SweepStep(SweepCause::kBackground), 5);
  EXPECT_EQ(f.heap->stats().heap_objects, 0u);  // at once
  EXPECT_EQ(f.heap->stats().nlargefree, 0u);
  f.heap->Malloc(0, 40000, true, false);  // pages taken: these stay in the cache
  EXPECT_EQ(f.heap->stats().nlargefree, 0u);
  EXPECT_EQ(f.heap->ReadStats().nlargefree, 1u);
  EXPECT_EQ(f.heap->ReadStats().largefree, 40960u);
  f.heap->FlushAll();
  EXPECT_EQ(f.heap->stats().nlargefree, 1u);
  EXPECT_EQ(f.heap->stats().largefree, 40960u);
  EXPECT_EQ(f.heap->ReadStats().nlargefree, 1u);
}

TEST(CountersTest, SmallFreesCountInTheCache) {
  Fixture f;
  f.fakes.marker.live.insert(f.heap->Malloc(0, 1024, true, false).bit);
  for (int i = 0; i < 5; ++i) f.heap->Malloc(0, 1024, true, false);
  f.StartCycle();
  f.Sweep();
  const uint32_t c = f.heap->classes().ClassOf(1024);
  EXPECT_EQ(f.heap->stats().nsmallfree[c], 0u);
  EXPECT_EQ(f.heap->ReadStats().nsmallfree[c], 5u);
  f.heap->TransferLocalStats();
  EXPECT_EQ(f.heap->stats().nsmallfree[c], 5u);
}

TEST(CountersTest, TinyAndScanMoveWhenPagesAreTakenOrFreed) {
  Fixture f;
  f.heap->Malloc(0, 1, true, false);
  f.heap->Malloc(0, 1, true, false);
  f.heap->Malloc(0, 1, true, false);
  EXPECT_EQ(f.heap->stats().tinyallocs, 0u);  // the first one's block is no sharing
  EXPECT_EQ(f.heap->ReadStats().tinyallocs, 2u);
  // Pages for another P's object do not move them.
  f.heap->Malloc(1, 40000, false, false);
  EXPECT_EQ(f.heap->stats().tinyallocs, 0u);
  // The object itself is counted after its pages were taken.
  f.heap->Malloc(0, 40000, false, false);
  EXPECT_EQ(f.heap->stats().tinyallocs, 2u);
  EXPECT_EQ(f.heap->stats().heap_scan, 0u);
  EXPECT_EQ(f.heap->ReadStats().heap_scan, 80000u);
  f.heap->Malloc(0, 40000, true, false);
  EXPECT_EQ(f.heap->stats().heap_scan, 40000u);
  f.heap->FlushAll();
  EXPECT_EQ(f.heap->stats().heap_scan, 80000u);
  EXPECT_EQ(f.heap->ReadStats().heap_scan, 80000u);
}

TEST(CountersTest, SmallObjectsWithPointersAreScanned) {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.heap->Malloc(0, 100, false, false);
  EXPECT_EQ(f.heap->stats().heap_scan, 0u);
  EXPECT_EQ(f.heap->ReadStats().heap_scan, 300u);
  f.heap->Malloc(0, 100, true, false);  // takes a page
  EXPECT_EQ(f.heap->stats().heap_scan, 300u);
  f.heap->Malloc(0, 100, false, false);
  f.heap->MallocClass(0, f.heap->classes().ClassOf(100), false, false);  // a slot of 112
  EXPECT_EQ(f.heap->stats().heap_scan, 300u);
  EXPECT_EQ(f.heap->ReadStats().heap_scan, 512u);
  f.heap->FlushAll();
  EXPECT_EQ(f.heap->stats().heap_scan, 512u);
  EXPECT_EQ(f.heap->ReadStats().heap_scan, 512u);
  // Marking finds out what there is.
  f.heap->SetMarked(1000, 600);
  EXPECT_EQ(f.heap->stats().heap_scan, 600u);
  EXPECT_EQ(f.heap->stats().heap_live, 1000u);
}

TEST(CountersTest, CachedSlotsCountAsAllocatedUntilTheFlush) {
  Fixture f;
  f.heap->Malloc(0, 1024, true, false);
  const SpanClass c = static_cast<SpanClass>(f.heap->classes().ClassOf(1024) << 1 | 1);
  EXPECT_EQ(f.heap->stats().nmalloc[c], 8u);
  EXPECT_EQ(f.heap->stats().heap_live, 8192u);
  f.heap->FlushAll();
  EXPECT_EQ(f.heap->stats().nmalloc[c], 1u);
  EXPECT_EQ(f.heap->stats().heap_live, 1024u);
}

TEST(CountersTest, ManualSpansLeaveTheHeap) {
  Fixture f;
  const SpanId stack = f.heap->AllocateManual(Pages(4), SpanKind::kStack);
  const uint64_t gc_sys = f.heap->stats().gc_sys;
  const SpanId work = f.heap->AllocateManual(Pages(8), SpanKind::kWorkBuffer);
  const MemStats& m = f.heap->stats();
  EXPECT_EQ(m.stacks_inuse, 4 * kPageSize);
  EXPECT_EQ(m.gc_sys, gc_sys + 8 * kPageSize);
  EXPECT_EQ(m.heap_sys, kMiB - 12 * kPageSize);
  EXPECT_EQ(m.heap_idle, m.heap_sys);
  EXPECT_EQ(m.heap_inuse, 0u);
  EXPECT_EQ(f.heap->pages_in_use(), 0u);
  f.heap->SelfCheck();
  f.heap->FreeManual(stack, SpanKind::kStack);
  f.heap->FreeManual(work, SpanKind::kWorkBuffer);
  EXPECT_EQ(m.stacks_inuse, 0u);
  EXPECT_EQ(m.heap_sys, kMiB);
  f.heap->SelfCheck();
}

// --- The scavenger

TEST(ScavengeTest, TraceLines) {
  Fixture f;
  f.heap->Malloc(0, 3 * kMiB, true, false);
  EXPECT_EQ(
      f.heap->ScavengeTrace(2, Bytes(0)),
      std::vector<std::string>{"scvg2: inuse: 3, idle: 0, sys: 3, released: 0, consumed: 3 (MB)"});
  f.StartCycle();
  f.Sweep();
  const Bytes released = f.heap->Scavenge(-1, ~uint64_t{0}, 0);
  EXPECT_EQ(released, Bytes(3 * kMiB));
  EXPECT_EQ(f.heap->ScavengeTrace(-1, released),
            (std::vector<std::string>{
                "scvg-1: 3 MB released",
                "scvg-1: inuse: 0, idle: 3, sys: 3, released: 3, consumed: 0 (MB)"}));
}

TEST(ScavengeTest, RefusedAdviceIsIgnored) {
  Fixture f;
  f.heap->Malloc(0, 3 * kMiB, true, false);
  f.StartCycle();
  f.Sweep();
  f.fakes.os.refuse_advice = true;
  EXPECT_EQ(f.heap->Scavenge(0, 1000, 10), Bytes(3 * kMiB));
  EXPECT_EQ(f.heap->stats().heap_released, 3 * kMiB);
  f.heap->Malloc(0, 40000, true, false);
  EXPECT_EQ(f.heap->stats().heap_released, 0u);  // the whole chosen span is taken back
  f.heap->SelfCheck();
}

// --- When memory ends

std::string FatalText(FatalCode code, absl::FunctionRef<void()> f) {
  try {
    f();
  } catch (const FatalError& e) {
    EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code)) << e.what();
    return e.what();
  }
  return "nothing was thrown";
}

TEST(OutOfMemoryTest, TheArenaEnds) {
  Fixture f(2 * kMiB);
  f.heap->Malloc(0, kMiB, true, false);
  EXPECT_EQ(FatalText(FatalCode::kOutOfMemory, [&] { f.heap->Malloc(0, 2 * kMiB, true, false); }),
            "runtime: out of memory: cannot allocate 2097152-byte block (1048576 in use)");
}

// Where a whole chunk does not fit any more, growth asks for what is needed.
TEST(OutOfMemoryTest, SmallerAsk) {
  Fixture f((3 * kMiB) + (kMiB / 2));
  f.heap->Malloc(0, 3 * kMiB - 128 * kPageSize, true, false);
  f.heap->Malloc(0, kMiB, true, false);
  f.fakes.os.TakeCalls();
  // 64 pages are left of the arena. The rounded request is what is taken; it is too short for the
  // treap, the only place where the runtime looks after growth, so that this request fails ...
  f.fakes.observer.lines.clear();
  EXPECT_EQ(FatalText(FatalCode::kOutOfMemory, [&] { f.heap->Malloc(0, 40000, true, false); }),
            "out of memory");
  EXPECT_EQ(f.heap->arena().used(), f.layout.start + Bytes(3 * kMiB + 8 * kPageSize));
  EXPECT_EQ(f.fakes.observer.lines[3], "G{ 8 1048576");
  // ... and the next one finds the pages in their list.
  EXPECT_EQ(f.Offset(f.heap->Malloc(0, 40000, true, false)), 3 * kMiB);
  f.heap->SelfCheck();
  // More than is left: the smaller ask is what the message names.
  EXPECT_EQ(
      FatalText(FatalCode::kOutOfMemory, [&] { f.heap->Malloc(0, 60 * kPageSize, true, false); }),
      "runtime: out of memory: cannot allocate 524288-byte block (3211264 in use)");
  EXPECT_EQ(f.heap->AllocateManual(Pages(60), SpanKind::kStack), kNoSpan);
}

TEST(OutOfMemoryTest, RefusedMapIsFatal) {
  Fixture f;
  f.fakes.os.refuse_map = true;
  EXPECT_EQ(FatalText(FatalCode::kCannotMap, [&] { f.heap->Malloc(0, 8, true, false); }),
            "runtime: out of memory");
  Fixture g;
  g.heap->Malloc(0, 8, true, false);
  g.fakes.os.refuse_map = true;
  g.heap->Malloc(0, 40000, true, false);  // no growth, no map
  EXPECT_EQ(FatalText(FatalCode::kCannotMap, [&] { g.heap->Malloc(0, kMiB, true, false); }),
            "runtime: out of memory");
}

TEST(OutOfMemoryTest, NoMemoryForRecords) {
  Fixture f;
  f.fakes.os.refuse_persistent = true;
  EXPECT_EQ(
      FatalText(FatalCode::kCannotAllocateMetadata, [&] { f.heap->Malloc(0, 8, true, false); }),
      "runtime: cannot allocate memory");
}

// --- efence

TEST(EfenceTest, DeadLargeObjectsFault) {
  const ArenaLayout layout = SmallLayout(Bytes(64 * kMiB));
  Fakes fakes(layout.start);
  HeapOptions options;
  options.layout = layout;
  options.efence = true;
  Heap heap(options, fakes.seams());
  const Placement a = heap.Malloc(0, 40000, true, false);
  heap.SweepStep(SweepCause::kBackground);
  heap.FlushAll();
  heap.StartSweep();
  fakes.os.TakeCalls();
  EXPECT_EQ(heap.SweepStep(SweepCause::kBackground), 5);
  EXPECT_EQ(fakes.os.TakeCalls(), "fault c420000000 a000");
  EXPECT_EQ(heap.stats().heap_inuse, 40960u);
  EXPECT_EQ(heap.ReadStats().nlargefree, 1u);
  EXPECT_FALSE(heap.InHeap(Address(a.address)));
  EXPECT_NE(heap.SpanOf(Address(a.address)), kNoSpan);
  EXPECT_NE(heap.Malloc(0, 40000, true, false).address, a.address);
  heap.SelfCheck();
}

// --- Explicit reclaim

TEST(ExplicitTest, AFreedSlotWaitsUntilTheCacheDropsItsSpan) {
  Fixture f(64 * kMiB, Reclaim::kExplicit);
  const Placement a = f.heap->Malloc(0, 1024, true, false);
  f.heap->FreeSlot(a.bit);
  EXPECT_NE(f.heap->Malloc(0, 1024, true, false).address, a.address);
  for (int i = 2; i < 8; ++i) f.heap->Malloc(0, 1024, true, false);
  EXPECT_EQ(f.heap->Malloc(0, 1024, true, false).address, a.address);
  f.heap->SelfCheck();
}

TEST(ExplicitTest, EmptySpansGoToThePageHeap) {
  Fixture f(64 * kMiB, Reclaim::kExplicit);
  std::vector<Placement> all;
  for (int i = 0; i < 16; ++i) all.push_back(f.heap->Malloc(0, 1024, true, false));
  EXPECT_EQ(f.heap->stats().heap_inuse, 2 * kPageSize);
  for (int i = 0; i < 8; ++i) f.heap->FreeSlot(all[i].bit);
  EXPECT_EQ(f.heap->stats().heap_inuse, kPageSize);
  for (int i = 8; i < 16; ++i) f.heap->FreeSlot(all[i].bit);
  EXPECT_EQ(f.heap->stats().heap_inuse, kPageSize);  // still cached
  f.heap->FlushAll();
  EXPECT_EQ(f.heap->stats().heap_inuse, 0u);
  EXPECT_EQ(f.heap->stats().heap_live, 0u);
  f.heap->SelfCheck();
}

TEST(ExplicitTest, LargeObjects) {
  Fixture f(64 * kMiB, Reclaim::kExplicit);
  const Placement a = f.heap->Malloc(0, 40000, true, false);
  f.heap->FreeSlot(a.bit);
  EXPECT_EQ(f.heap->stats().heap_live, 0u);
  EXPECT_EQ(f.heap->stats().heap_objects, 0u);
  EXPECT_EQ(f.heap->ReadStats().largefree, 40960u);
  EXPECT_EQ(f.heap->Malloc(0, 40000, true, false).address, a.address);
  f.heap->SelfCheck();
}

}  // namespace
}  // namespace heapsim::heap
