// Every throw of the heap: code and text. Where no call of the heap's interface leads there, a
// record is changed by hand, as a bug would.

#include "heap/fatal.h"

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/bit_space.h"
#include "heap/fakes.h"
#include "heap/fixalloc.h"
#include "heap/gc_bits.h"
#include "heap/heap.h"
#include "heap/linux_mem.h"
#include "heap/pages/treap.h"
#include "heap/persistent_alloc.h"
#include "heap/specials.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class FatalTest : public testing::Test {
 protected:
  FatalTest() : layout_(SmallLayout(Bytes(16 * kMiB))), fakes_(layout_.start) { Fresh(); }

  // Each test may use up several heaps: one that threw is of no use any more.
  void Fresh(Reclaim reclaim = Reclaim::kGc) {
    HeapOptions options;
    options.reclaim = reclaim;
    options.layout = layout_;
    heap_ = std::make_unique<Heap>(options, fakes_.seams());
    fakes_.marker.live.clear();
  }
  SpanTable& spans() { return const_cast<SpanTable&>(heap_->spans()); }
  PageAllocator& pages() { return const_cast<PageAllocator&>(heap_->pages()); }
  Span& SpanAt(uint64_t address) { return spans()[heap_->SpanOf(Address(address))]; }
  SpanId Stack(uint64_t pages) { return heap_->AllocateManual(Pages(pages), SpanKind::kStack); }
  // A span of class 1024 with eight slots, the first taken and alive, swept and on its central
  // list.
  Span& SmallSpan() {
    const Placement p = heap_->Malloc(0, 1024, true, false);
    fakes_.marker.live.insert(p.bit);
    heap_->FlushAll();
    return SpanAt(p.address);
  }
  void Sweep() {
    while (heap_->SweepStep(SweepCause::kBackground) != -1) {
    }
  }

  static void Expect(FatalCode code, absl::string_view text, absl::FunctionRef<void()> f) {
    try {
      f();
    } catch (const FatalError& e) {
      EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code)) << e.what();
      EXPECT_EQ(std::string(text), e.what());
      return;
    }
    ADD_FAILURE() << "not thrown: " << text;
  }

  ArenaLayout layout_;
  Fakes fakes_;
  std::unique_ptr<Heap> heap_;
};

// --- The system

TEST_F(FatalTest, OutOfMemory) {
  heap_->Malloc(0, kMiB, true, false);
  Expect(FatalCode::kOutOfMemory,
         "runtime: out of memory: cannot allocate 16777216-byte block (1048576 in use)",
         [&] { heap_->Malloc(0, 16 * kMiB, true, false); });
  Fresh();
  heap_->AllocateSpan(Pages(128), 1, true);
  Expect(FatalCode::kOutOfMemory,
         "runtime: out of memory: cannot allocate 16777216-byte block (1048576 in use)",
         [&] { heap_->AllocateSpan(Pages(2048), 1, true); });
}

TEST_F(FatalTest, CannotMap) {
  fakes_.os.refuse_map = true;
  Expect(FatalCode::kCannotMap, "runtime: out of memory", [&] { Stack(1); });
}

TEST_F(FatalTest, CannotAllocateMetadata) {
  const std::string text = "runtime: cannot allocate memory";
  fakes_.os.refuse_persistent = true;  // a chunk of descriptors
  Expect(FatalCode::kCannotAllocateMetadata, text, [&] { Stack(1); });
  fakes_.os.refuse_persistent = false;
  Fresh();
  fakes_.os.refuse_alloc = true;  // allspans
  Expect(FatalCode::kCannotAllocateMetadata, text, [&] { Stack(1); });
  fakes_.os.refuse_alloc = false;
  Fresh();
  Stack(1);
  fakes_.os.refuse_alloc = true;  // mark bits
  Expect(FatalCode::kCannotAllocateMetadata, text, [&] { heap_->Malloc(0, 8, true, false); });
}

TEST_F(FatalTest, ObjectTooLarge) {
  Expect(FatalCode::kObjectTooLarge, "out of memory",
         [&] { heap_->Malloc(0, uint64_t{1} << 63, true, false); });
  Expect(FatalCode::kObjectTooLarge, "out of memory",  // rounding up wraps
         [&] { heap_->Malloc(0, ~uint64_t{0} - 100, true, false); });
}

TEST_F(FatalTest, UnalignedUnused) {
  fakes_.os.physical_page = Bytes(16384);
  Expect(FatalCode::kUnalignedUnused, "unaligned sysUnused",
         [&] { SysUnused(&fakes_.os, Address(0x40002000), Bytes(0x4000)); });
  Expect(FatalCode::kUnalignedUnused, "unaligned sysUnused",
         [&] { SysUnused(&fakes_.os, Address(0x40004000), Bytes(0x2000)); });
}

TEST_F(FatalTest, PersistentAlloc) {
  PersistentAlloc alloc;
  MemStats stats;
  const auto allocate = [&](uint64_t size, uint64_t align) {
    alloc.Allocate(&fakes_.os, &stats, Bytes(size), Bytes(align), SysStat::kGc);
  };
  Expect(FatalCode::kPersistentAlloc, "persistentalloc: size == 0", [&] { allocate(0, 8); });
  Expect(FatalCode::kPersistentAlloc, "persistentalloc: align is not a power of 2",
         [&] { allocate(8, 24); });
  Expect(FatalCode::kPersistentAlloc, "persistentalloc: align is too large",
         [&] { allocate(8, 16384); });
}

TEST_F(FatalTest, FixAllocSize) {
  Expect(FatalCode::kFixAllocSize, "runtime: internal error",
         [&] { FixAlloc(Bytes(0), SysStat::kOther, &fakes_.os); });
  Expect(FatalCode::kFixAllocSize, "runtime: FixAlloc size too large",
         [&] { FixAlloc(Bytes(16385), SysStat::kOther, &fakes_.os); });
}

TEST_F(FatalTest, MarkBitsOverflow) {
  MemStats stats;
  GcBitsArenas bits(&fakes_.os, &stats);
  bits.NewMarkBits(8190 * 64);
  Expect(FatalCode::kMarkBitsOverflow, "markBits overflow",
         [&] { bits.NewMarkBits(8190 * 64 + 1); });
}

// --- Lists and the treap

TEST_F(FatalTest, SpanLists) {
  const SpanId id = spans().New(layout_.start, Pages(3));
  spans().Insert(kEmpty, id);
  Expect(FatalCode::kSpanListInsert, "MSpanList_Insert", [&] { spans().Insert(kNonempty, id); });
  Expect(FatalCode::kSpanListInsert, "MSpanList_InsertBack",
         [&] { spans().InsertBack(kEmpty, id); });
  Expect(FatalCode::kSpanListRemove,
         absl::StrCat("MSpanList_Remove: span of 3 pages at 0xc420000000 is in list ", kEmpty,
                      ", not ", kNonempty),
         [&] { spans().Remove(kNonempty, id); });
}

TEST_F(FatalTest, Treap) {
  Treap treap(&fakes_.os, &fakes_.random, &fakes_.observer, &spans());
  const SpanId id = spans().New(layout_.start, Pages(200));
  const SpanId other = spans().New(layout_.start, Pages(200));
  treap.Insert(id);
  Expect(FatalCode::kTreapInsert, "inserting span already in treap", [&] { treap.Insert(id); });
  Expect(FatalCode::kTreapRemove, "span is not in the treap", [&] { treap.RemoveSpan(other); });
  spans()[id].npages = 199;
  Expect(FatalCode::kTreapRemove, "span and treap node npages do not match",
         [&] { treap.RemoveSpan(id); });
}

// --- Taking pages

TEST_F(FatalTest, NotFree) {
  const SpanId id = Stack(4);
  Stack(1);
  heap_->FreeManual(id, SpanKind::kStack);
  spans()[id].state = SpanState::kManual;
  Expect(FatalCode::kNotFree, "MHeap_AllocLocked - MSpan not free", [&] { Stack(4); });
}

TEST_F(FatalTest, BadPages) {
  const SpanId id = Stack(4);
  Stack(1);
  heap_->FreeManual(id, SpanKind::kStack);
  spans()[id].npages = 2;
  Expect(FatalCode::kBadPages, "MHeap_AllocLocked - bad npages", [&] { Stack(4); });
}

TEST_F(FatalTest, StillInList) {
  const SpanId id = Stack(200);
  Stack(1);
  heap_->FreeManual(id, SpanKind::kStack);
  spans()[id].list = kEmpty;
  Expect(FatalCode::kStillInList, "still in list", [&] { Stack(200); });
}

// --- Freeing pages

TEST_F(FatalTest, InvalidStackFree) {
  const SpanId id = Stack(4);
  spans()[id].alloc_count = 1;
  Expect(FatalCode::kInvalidStackFree, "MHeap_FreeSpanLocked - invalid stack free",
         [&] { heap_->FreeManual(id, SpanKind::kStack); });
}

TEST_F(FatalTest, InvalidFree) {
  const SpanId id = heap_->AllocateSpan(Pages(4), 1, true);
  spans()[id].alloc_count = 1;
  Expect(FatalCode::kInvalidFree,
         "MHeap_FreeSpanLocked - invalid free: span at 0xc420000000 allocCount 1 sweepgen 0/0",
         [&] { pages().Free(id, true, FreeCause::kLarge); });
  spans()[id].alloc_count = 0;
  spans()[id].sweepgen = 6;
  Expect(FatalCode::kInvalidFree,
         "MHeap_FreeSpanLocked - invalid free: span at 0xc420000000 allocCount 0 sweepgen 6/0",
         [&] { pages().Free(id, true, FreeCause::kLarge); });
}

TEST_F(FatalTest, InvalidSpanState) {
  const SpanId id = Stack(4);
  heap_->FreeManual(id, SpanKind::kStack);
  Expect(FatalCode::kInvalidSpanState, "MHeap_FreeSpanLocked - invalid span state",
         [&] { heap_->FreeManual(id, SpanKind::kStack); });
}

// --- Caches and central lists

TEST_F(FatalTest, RefillNotFull) {
  const Placement p = heap_->Malloc(0, 32768, true, false);
  SpanAt(p.address).alloc_count = 0xffff;  // one slot is handed out: none in the end
  Expect(FatalCode::kRefillNotFull, "refill of span with free space remaining",
         [&] { heap_->Malloc(0, 32768, true, false); });
}

TEST_F(FatalTest, NoFreeSlot) {
  SmallSpan().alloc_count = 8;
  Expect(FatalCode::kNoFreeSlot, "span has no free objects",
         [&] { heap_->Malloc(0, 1024, true, false); });
  Fresh();
  SmallSpan().free_index = 8;
  Expect(FatalCode::kNoFreeSlot, "span has no free objects",
         [&] { heap_->Malloc(0, 1024, true, false); });
}

TEST_F(FatalTest, FreeIndex) {
  SmallSpan().free_index = 9;
  Expect(FatalCode::kFreeIndex, "s.freeindex > s.nelems",
         [&] { heap_->Malloc(0, 1024, true, false); });
  Fresh();
  // The bits say that all is taken, the count that something is free.
  const Span& s = SmallSpan();
  const_cast<BitSpace&>(heap_->bits()).bits(s.bits) = ~uint64_t{0};
  Expect(FatalCode::kFreeIndex, "freeIndex is not valid",
         [&] { heap_->Malloc(0, 1024, true, false); });
}

TEST_F(FatalTest, UncacheEmpty) {
  const Placement p = heap_->Malloc(0, 1024, true, false);
  SpanAt(p.address).alloc_count = 0xffff;
  Expect(FatalCode::kUncacheEmpty, "uncaching span but s.allocCount == 0",
         [&] { heap_->FlushAll(); });
}

// --- Sweeping

TEST_F(FatalTest, BadSweepState) {
  const Placement p = heap_->Malloc(0, 40000, true, false);
  Sweep();
  heap_->StartSweep();
  SpanAt(p.address).state = SpanState::kManual;
  // Reclaim goes through the lists of large spans without looking at their state.
  Expect(FatalCode::kBadSweepState, "MSpan_Sweep: bad span state",
         [&] { heap_->Malloc(0, 40000, true, false); });
}

TEST_F(FatalTest, UnsweptNotInUse) {
  const Placement p = heap_->Malloc(0, 40000, true, false);
  Sweep();
  heap_->StartSweep();
  SpanAt(p.address).state = SpanState::kManual;
  Expect(FatalCode::kUnsweptNotInUse, "non in-use span in unswept list",
         [&] { heap_->SweepStep(SweepCause::kBackground); });
}

TEST_F(FatalTest, SweepCount) {
  const Placement p = heap_->Malloc(0, 1024, true, false);
  Sweep();
  heap_->FlushAll();
  heap_->StartSweep();
  fakes_.marker.live = {p.bit, p.bit + 1};  // the second slot was never handed out
  Expect(FatalCode::kSweepCount, "sweep increased allocation count",
         [&] { heap_->SweepStep(SweepCause::kBackground); });
}

TEST_F(FatalTest, NonEmptySweptList) {
  heap_->Malloc(0, 40000, true, false);
  Sweep();
  heap_->StartSweep();
  Expect(FatalCode::kNonEmptySweptList, "non-empty swept list", [&] { heap_->StartSweep(); });
}

TEST_F(FatalTest, SpanCached) {
  Span& s = SmallSpan();
  Sweep();
  heap_->StartSweep();
  fakes_.marker.live.clear();
  s.incache = true;
  Expect(FatalCode::kSpanCached, "freeSpan given cached span",
         [&] { heap_->SweepStep(SweepCause::kBackground); });
}

TEST_F(FatalTest, GcTriggerUnderflow) {
  heap_->SetMarked(uint64_t{1} << 63);
  Expect(FatalCode::kGcTriggerUnderflow, "gc_trigger underflow",
         [&] { heap_->SetTriggerRatio(0); });
}

// --- Special records

TEST_F(FatalTest, SpecialOnInvalidPointer) {
  Expect(FatalCode::kSpecialOnInvalidPointer, "addspecial on invalid pointer",
         [&] { heap_->AddFinalizer(layout_.start); });
  Expect(FatalCode::kSpecialOnInvalidPointer, "addspecial on invalid pointer",
         [&] { heap_->AddProfile(Address(1)); });
  const SpanId id = Stack(4);
  Expect(FatalCode::kSpecialOnInvalidPointer, "removespecial on invalid pointer",
         [&] { heap_->RemoveFinalizer(heap_->spans()[id].address()); });
}

TEST_F(FatalTest, ProfileExists) {
  const Address a(heap_->Malloc(0, 1024, true, false).address);
  heap_->AddProfile(a);
  Expect(FatalCode::kProfileExists, "setprofilebucket: profile already set",
         [&] { heap_->AddProfile(a); });
}

TEST_F(FatalTest, BadSpecialKind) {
  Specials specials(&fakes_.os, &spans());
  Expect(FatalCode::kBadSpecialKind, "bad special kind",
         [&] { specials.TakeRecord(static_cast<SpecialKind>(3)); });
}

// --- The self-check finds what disagrees

TEST_F(FatalTest, SelfCheckOfSpansInUse) {
  const Placement large = heap_->Malloc(0, 40000, true, false);
  const Placement small = heap_->Malloc(0, 1024, true, false);
  Span& l = SpanAt(large.address);
  Span& s = SpanAt(small.address);
  heap_->SelfCheck();
  const auto check = [&] { heap_->SelfCheck(); };

  l.alloc_count = 0;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): allocation bits and count disagree",
         check);
  l.alloc_count = 1;
  l.list = kBusyLists + 6;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): a large span outside its busy list",
         check);
  l.list = kBusyLists + 5;
  s.list = kBusyLists + 1;
  Expect(FatalCode::kSelfCheck,
         "page 5 of the arena (span 2): a small span in no list of its class", check);
  s.list = static_cast<ListId>(kEmpty + s.span_class);
  s.prev = 1;
  Expect(FatalCode::kSelfCheck, absl::StrCat("list ", s.list, ": broken links at span 2"), check);
  s.prev = kNoSpan;
  spans().SetPage(2, 2);
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): a page inside names another span",
         check);
  spans().SetPage(2, 1);
  spans().SetPage(0, kNoSpan);
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 0): no span", check);
  spans().SetPage(0, 1);
  l.state = SpanState::kDead;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): a dead span", check);
  l.state = SpanState::kInUse;
  l.npages = 1000;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): a span of impossible length", check);
  l.npages = 5;
  l.base += kPageSize;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): the span found does not begin here",
         check);
  l.base -= kPageSize;
  heap_->SelfCheck();

  auto& stats = const_cast<MemStats&>(heap_->stats());
  stats.heap_inuse += 8192;
  Expect(FatalCode::kSelfCheck, "bytes in use: found 49152, counted 57344", check);
  stats.heap_inuse -= 8192;
  ++pages().pages_in_use;
  Expect(FatalCode::kSelfCheck, "pages in use: found 6, counted 7", check);
  --pages().pages_in_use;
  stats.heap_sys -= 4096;
  Expect(FatalCode::kSelfCheck, "heap_sys without manual spans: found 1048576, counted 1044480",
         check);
  stats.heap_sys += 4096;
  spans().New(layout_.start, Pages(1));
  Expect(FatalCode::kSelfCheck, "bytes of span descriptors: found 456, counted 608", check);
  spans().Delete(4);
  s.sweepgen -= 2;  // as if it were to be swept
  Expect(FatalCode::kSelfCheck,
         "page 5 of the arena (span 2): not on the stack of its sweep generation", check);
  s.sweepgen += 2;
  heap_->SelfCheck();
  heap_->FlushAll();
  s.incache = true;
  Expect(FatalCode::kSelfCheck, "page 5 of the arena (span 2): marked as cached, but in no cache",
         check);
}

TEST_F(FatalTest, SelfCheckOfSlots) {
  const auto check = [&] { heap_->SelfCheck(); };
  const auto word = [&](const Placement& p) -> BitSpace::Word& {
    return const_cast<BitSpace&>(heap_->bits()).word(p.bit / 64);
  };
  const Placement p = heap_->Malloc(0, 1024, true, false);
  heap_->SelfCheck();
  word(p).owner_and_index += uint32_t{1} << 28;
  Expect(FatalCode::kSelfCheck,
         "page 0 of the arena (span 1): one of its words takes itself for another", check);
  ++word(p).owner_and_index;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): its bits are another span's", check);

  Fresh(Reclaim::kExplicit);
  const Placement q = heap_->Malloc(0, 1024, true, false);
  heap_->SelfCheck();
  word(q).state.v ^= SlotState::kNoScan;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): its slots are of another span class",
         check);
  word(q).state.v ^= SlotState::kNoScan;
  word(q).state.v += SlotState::kOneTaken;
  Expect(FatalCode::kSelfCheck, "page 0 of the arena (span 1): allocation bits and count disagree",
         check);
  word(q).state.v -= SlotState::kOneTaken;
  word(q).state.v |= 1;
  Expect(FatalCode::kSelfCheck,
         "page 0 of the arena (span 1): a word with free slots is not known as such", check);
}

TEST_F(FatalTest, TheSimulatorsOwnTablesEnd) {
  BitSpace bits(20);
  bits.Allocate(16, 1);
  Expect(FatalCode::kTooManySlots, "the simulator has no room for more slots",
         [&] { bits.Allocate(4, 2); });
}

}  // namespace
}  // namespace heapsim::heap
