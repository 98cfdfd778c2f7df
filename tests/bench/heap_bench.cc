// What single operations of the heap cost: bazel run //tests/bench:heap_bench
//
// The machine's calls have a bench beside them (//sim/machine:machine_bench), decoding too
// (//traces/format:decode_benchmark).
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/mem_stats.h"
#include "heap/observer.h"
#include "heap/pages/treap.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/units.h"

namespace heapsim::heap {
namespace {

// Memory is granted, and that is all.
class GrantingOs final : public Os {
 public:
  Bytes PhysicalPageSize() const override { return Bytes(4096); }
  Address Reserve(Address hint, Bytes) override { return hint; }
  bool Map(MapArea, Address, Bytes, SysStat) override { return true; }
  Address Alloc(Bytes length, SysStat) override { return Take(length); }
  void Free(Address, Bytes, SysStat) override {}
  bool Advise(Address, Bytes, Advice) override { return true; }
  void Fault(Address, Bytes) override {}
  Address Persistent(Bytes size, Bytes align, SysStat, Bytes) override {
    return Take(Bytes(RoundUp(size.v, align.v)));
  }
  void Touch(Address, Bytes) override {}

 private:
  Address Take(Bytes n) {
    const Address a = next_;
    next_ = next_ + n;
    return a;
  }
  Address next_{0x7f0000000000};
};

class FixedClock final : public Clock {
 public:
  int64_t Now() override { return 1; }
};

class Seeded final : public Random {
 public:
  uint32_t Next() override { return static_cast<uint32_t>(Next64() >> 32); }
  uint64_t Next64() { return state_ = state_ * 6364136223846793005 + 1442695040888963407; }

 private:
  uint64_t state_ = 1;
};

// Of each 64 slots those of a pattern live on.
class PatternMarker final : public Marker {
 public:
  uint64_t live = ~uint64_t{0};
  void Marks(SpanId, uint64_t, uint32_t slots, const uint64_t* allocated,
             uint64_t* marks) override {
    for (uint32_t i = 0; i < (slots + 63) / 64; ++i) marks[i] = allocated[i] & live;
  }
};

struct World {
  GrantingOs os;
  FixedClock clock;
  Seeded random;
  PatternMarker marker;
  Observer observer;
  HeapSeams seams() { return {&os, &clock, &random, &marker, &observer}; }
};

// A span of n pages is taken and given back, among holes of all small lengths.
void TakeAndGivePages(benchmark::State& state) {
  World world;
  Heap heap(HeapOptions(), world.seams());
  std::vector<SpanId> spans;
  for (uint64_t i = 0; i < 4096; ++i) {
    spans.push_back(heap.AllocateManual(Pages(1 + i % 61), SpanKind::kStack));
  }
  for (size_t i = 0; i < spans.size(); i += 2) heap.FreeManual(spans[i], SpanKind::kStack);
  const Pages pages(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    const SpanId id = heap.AllocateManual(pages, SpanKind::kStack);
    heap.FreeManual(id, SpanKind::kStack);
  }
}
BENCHMARK(TakeAndGivePages)->Arg(1)->Arg(16)->Arg(100)->Arg(500);

// Small objects of one size until a span is full, and so on: the path of nearly every allocation
// with its refills. Memory grows, so the heap is made anew now and then.
void MallocSmall(benchmark::State& state) {
  const auto size = static_cast<uint64_t>(state.range(0));
  World world;
  std::unique_ptr<Heap> heap;
  uint64_t left = 0;
  for (auto _ : state) {
    if (left-- == 0) {
      state.PauseTiming();
      heap = std::make_unique<Heap>(HeapOptions(), world.seams());
      left = (uint64_t{256} << 20) / size;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(heap->Malloc(0, size, true, false));
  }
}
BENCHMARK(MallocSmall)->Arg(8)->Arg(64)->Arg(1024)->Arg(32768);

// Explicit reclaim: among a million live objects of 64 bytes a random one dies and another comes.
void FreeAndMalloc(benchmark::State& state) {
  World world;
  HeapOptions options;
  options.reclaim = Reclaim::kExplicit;
  Heap heap(options, world.seams());
  std::vector<BitIndex> bits(static_cast<size_t>(state.range(0)));
  for (BitIndex& bit : bits) bit = heap.Malloc(0, 64, true, false).bit;
  for (auto _ : state) {
    BitIndex& bit = bits[world.random.Next() % bits.size()];
    heap.FreeSlot(bit);
    bit = heap.Malloc(0, 64, true, false).bit;
  }
}
BENCHMARK(FreeAndMalloc)->Arg(1000)->Arg(1000000);

// One span swept: of 64-byte objects, of which all or every second live on.
void SweepSpan(benchmark::State& state) {
  World world;
  Heap heap(HeapOptions(), world.seams());
  for (uint32_t i = 0; i < 4096 * 128; ++i) heap.Malloc(0, 64, true, false);
  world.marker.live =
      static_cast<uint64_t>(state.range(0)) == 1 ? ~uint64_t{0} : 0x5555555555555555;
  for (auto _ : state) {
    if (heap.SweepStep(SweepCause::kBackground) == -1) {
      state.PauseTiming();
      heap.NextMarkBitEpoch();
      heap.SetPhase(GcPhase::kMarkTermination);
      heap.FlushAll();
      heap.SetPhase(GcPhase::kOff);
      heap.StartSweep();
      state.ResumeTiming();
    }
  }
}
BENCHMARK(SweepSpan)->ArgName("all_live")->Arg(1)->Arg(0);

// The treap alone, with n spans in it: the one that a search finds is taken out and put back.
void TreapRemoveInsert(benchmark::State& state) {
  World world;
  MemStats stats;
  const ArenaLayout layout = ArenaLayout::Go110();
  SpanTable spans(layout, &world.os, &stats, &world.observer);
  Treap treap(&world.os, &world.random, &world.observer, &spans);
  Address next = layout.start;
  for (int64_t i = 0; i < state.range(0); ++i) {
    const Pages pages(128 + world.random.Next() % 1000);
    treap.Insert(spans.New(next, pages));
    next = next + pages.bytes();
  }
  for (auto _ : state) {
    const SpanId id = treap.Remove(Pages(128 + world.random.Next() % 500));
    if (id != kNoSpan) treap.Insert(id);
  }
}
BENCHMARK(TreapRemoveInsert)->Arg(10)->Arg(1000)->Arg(100000);

}  // namespace
}  // namespace heapsim::heap
