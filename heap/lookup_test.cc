#include <memory>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

class LookupTest : public testing::Test {
 protected:
  LookupTest() : layout_(SmallLayout(Bytes(64 << 20))), fakes_(layout_.start) {
    HeapOptions options;
    options.layout = layout_;
    heap_ = std::make_unique<Heap>(options, fakes_.seams());
  }
  Address At(uint64_t offset) const { return layout_.start + Bytes(offset); }
  Placement Live(uint64_t size, bool noscan = true) {
    const Placement p = heap_->Malloc(0, size, noscan, false);
    fakes_.marker.live.insert(p.bit);
    return p;
  }
  // A whole cycle: what is not in the marker's set is freed.
  void Collect() {
    while (heap_->SweepStep(SweepCause::kBackground) != -1) {
    }
    heap_->FlushAll();
    heap_->StartSweep();
    while (heap_->SweepStep(SweepCause::kBackground) != -1) {
    }
  }

  ArenaLayout layout_;
  Fakes fakes_;
  std::unique_ptr<Heap> heap_;
};

TEST_F(LookupTest, OutsideTheArena) {
  EXPECT_EQ(heap_->SpanOf(Address()), kNoSpan);
  EXPECT_EQ(heap_->SpanOf(At(0)), kNoSpan);  // nothing used yet
  Live(8);
  EXPECT_NE(heap_->SpanOf(At(0)), kNoSpan);
  EXPECT_EQ(heap_->SpanOf(Address(At(0).v - 1)), kNoSpan);
  EXPECT_EQ(heap_->SpanOf(heap_->arena().used()), kNoSpan);
  EXPECT_FALSE(heap_->InHeap(Address()));
  EXPECT_FALSE(heap_->InHeapOrStack(Address(At(0).v - 1)));
}

TEST_F(LookupTest, LimitEndsAnObjectsSpan) {
  const Placement large = Live(40000);  // 5 pages, 960 bytes beyond the object
  const Address a(large.address);
  EXPECT_TRUE(heap_->InHeap(a + Bytes(39999)));
  EXPECT_FALSE(heap_->InHeap(a + Bytes(40000)));
  EXPECT_EQ(heap_->LookupMaybe(a + Bytes(40000)), kNoSpan);
  EXPECT_EQ(heap_->SpanOf(a + Bytes(40000)), heap_->SpanOf(a));

  const Placement small = Live(1152);  // 7 slots are 8064 bytes
  const Address base(RoundDown(small.address, kPageSize));
  EXPECT_TRUE(heap_->InHeap(base + Bytes(8063)));  // free slots count: potentially dead objects
  EXPECT_FALSE(heap_->InHeap(base + Bytes(8064)));
}

TEST_F(LookupTest, ManualSpans) {
  const SpanId id = heap_->AllocateManual(Pages(4), SpanKind::kStack);
  const Address a = heap_->spans()[id].address();
  EXPECT_EQ(heap_->SpanOf(a + Bytes(32767)), id);
  EXPECT_FALSE(heap_->InHeap(a));
  EXPECT_EQ(heap_->LookupMaybe(a), kNoSpan);
  EXPECT_TRUE(heap_->InHeapOrStack(a + Bytes(32767)));
  heap_->FreeManual(id, SpanKind::kStack);
  EXPECT_FALSE(heap_->InHeapOrStack(a));
}

TEST_F(LookupTest, ObjectsOfAnAddress) {
  const Placement small = Live(100);
  Heap::Found f = heap_->Lookup(0, Address(small.address + 111));
  EXPECT_EQ(f.base, Address(small.address));
  EXPECT_EQ(f.size, Bytes(112));
  f = heap_->Lookup(0, Address(small.address + 112));
  EXPECT_EQ(f.base, Address(small.address + 112));
  const Placement large = Live(40000);
  f = heap_->Lookup(0, Address(large.address + 39999));
  EXPECT_EQ(f.base, Address(large.address));
  EXPECT_EQ(f.size, Bytes(40960));
  f = heap_->Lookup(0, Address(large.address + 40000));
  EXPECT_EQ(f.span, kNoSpan);
  EXPECT_TRUE(f.base.is_null());
  EXPECT_EQ(f.size, Bytes(0));
}

// Inside a free span the page table keeps what stood there; a descriptor found that way may be of
// another span by now.
TEST_F(LookupTest, StaleInteriorEntries) {
  const Placement first = heap_->Malloc(0, 40000, true, false);
  const Placement second = heap_->Malloc(0, 40000, true, false);
  const SpanId stale_first = heap_->SpanOf(Address(first.address));
  const SpanId stale_second = heap_->SpanOf(Address(second.address));
  Collect();  // one free span now
  const SpanId merged = heap_->SpanOf(At(0));
  EXPECT_EQ(heap_->spans()[merged].state, SpanState::kFree);
  EXPECT_EQ(heap_->SpanOf(Address(first.address + 2 * kPageSize)), stale_first);
  EXPECT_EQ(heap_->SpanOf(Address(second.address + 2 * kPageSize)), stale_second);
  for (const Placement& p : {first, second}) {
    for (uint64_t page = 0; page < 5; ++page) {
      const Address a(p.address + page * kPageSize);
      EXPECT_FALSE(heap_->InHeap(a));
      EXPECT_FALSE(heap_->InHeapOrStack(a));
      EXPECT_EQ(heap_->LookupMaybe(a), kNoSpan);
      EXPECT_EQ(heap_->Lookup(0, a).span, kNoSpan);
    }
  }
  // Both descriptors come back in use elsewhere: the entries inside the free span still name them,
  // and only base and limit tell that they are not meant.
  std::vector<SpanId> taken;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(heap_->SpanOf(Address(Live(33000).address)));
  }
  heap_->SelfCheck();
  uint32_t reused = 0;
  for (uint64_t page = 0; page < 128; ++page) {
    const Address a = At(page * kPageSize);
    const SpanId entry = heap_->SpanOf(a);
    const Span& s = heap_->spans()[entry];
    const bool inside = a >= s.address() && a.v < s.limit;
    EXPECT_EQ(heap_->InHeap(a), s.state == SpanState::kInUse && inside) << page;
    if (s.state == SpanState::kInUse && !inside) ++reused;
  }
  EXPECT_GT(reused, 0u);
}

TEST_F(LookupTest, LookupsAreCountedInTheCache) {
  heap_->Lookup(0, At(0));
  Live(40000);  // page operations move scan and tiny counts only
  heap_->Lookup(0, At(0));
  EXPECT_EQ(heap_->stats().nlookup, 0u);
  EXPECT_EQ(heap_->ReadStats().nlookup, 2u);
  heap_->TransferLocalStats();
  EXPECT_EQ(heap_->stats().nlookup, 2u);
  EXPECT_EQ(heap_->ReadStats().nlookup, 2u);
}

}  // namespace
}  // namespace heapsim::heap
