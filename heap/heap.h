// The Go 1.10 heap: caches a P, central lists, large objects, sweeping and pacing, over a page
// allocator.
//
// Passive: it never decides when a cycle starts, a timer fires or memory is given back; a driver
// does (the replay's model of time and of the collector, or a log of the real runtime). Not
// thread-safe. State is indices and simulated addresses, so that a result never depends on where
// the host put things.
//
// Reading order: Malloc (below) is the path of nearly every allocation; what happens when a cache
// runs out is in central.cc, sweeping in sweep.cc, the collector's arithmetic in pacing.cc, looking
// an address up in lookup.cc.
#ifndef HEAPSIM_HEAP_HEAP_H_
#define HEAPSIM_HEAP_HEAP_H_

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "heap/arena.h"
#include "heap/bit_space.h"
#include "heap/front/front_end.h"
#include "heap/gc_bits.h"
#include "heap/mem_stats.h"
#include "heap/observer.h"
#include "heap/pages/page_allocator.h"
#include "heap/release/release_rule.h"
#include "heap/seams.h"
#include "heap/size_classes.h"
#include "heap/span.h"
#include "heap/specials.h"
#include "heap/units.h"

namespace heapsim::heap {

enum class Reclaim : uint8_t { kGc, kExplicit };
enum class GcPhase : uint8_t { kOff = 0, kMark = 1, kMarkTermination = 2 };

struct HeapOptions {
  ArenaLayout layout = ArenaLayout::Go110();
  Bytes chunk{1 << 20};  // the least that growth asks for
  uint32_t procs = 1;    // caches
  Reclaim reclaim = Reclaim::kGc;
  const SizeClasses* classes = &SizeClasses::Go110();  // must outlive the heap
  bool tiny = true;          // combine pointer-free objects of less than 16 bytes
  int32_t gc_percent = 100;  // GOGC; -1: off
  // GODEBUG=efence=1, under gc reclaim: a dead large object's memory is made inaccessible and never
  // used again, so that a late use of it shows.
  bool efence = false;
  // Who gives free pages back by itself; must outlive the heap. Null: nobody.
  ReleaseRule* release = nullptr;
  // What stands between threads and spans in place of a span a class and P (explicit reclaim only);
  // must outlive the heap.
  FrontEnd* front_end = nullptr;
  PagesOptions pages;
};

// The seams; all must outlive the heap.
struct HeapSeams {
  Os* os;
  Clock* clock;
  Random* random;
  Marker* marker;
  Observer* observer;
};

// A request's answer.
struct Placement {
  uint64_t address;
  BitIndex bit;          // of the slot, or of a large object's only slot
  SpanClass span_class;  // 0 and 1: large
  bool tiny;             // shares, or may come to share, its block with others
  bool fresh_block;      // takes a slot of its own (false: joined the current tiny block)
  bool cleared;          // the whole slot was written with zeros
};

class Heap {
 public:
  static constexpr uint32_t kTinySize = 16;
  static constexpr SpanClass kTinyClass = 2 << 1 | 1;  // 16 bytes, noscan

  // Makes the page allocator from the heap's context.
  using PagesFactory = absl::FunctionRef<std::unique_ptr<PageAllocator>(const PageContext&)>;
  Heap(const HeapOptions& options, const HeapSeams& seams, PagesFactory pages);
  // With Go 1.10's page heap.
  Heap(const HeapOptions& options, const HeapSeams& seams);
  ~Heap();

  // --- Objects ---

  // Places an object of `size` > 0 bytes from the cache of `p` < procs. noscan: it holds no
  // pointers. needzero: its memory must read as zero. Throws kOutOfMemory where the arena ends or
  // the system has none.
  Placement Malloc(uint32_t p, uint64_t size, bool noscan, bool needzero);

  // The pieces of Malloc that need only a cache, for loops that keep everything else to themselves.
  //
  // One P's span of one class. 64 of its slots are loaded at a time, and taking one of them changes
  // nothing but `free`; what the runtime keeps with each allocation (freeindex, the count) follows
  // from it when the span leaves or somebody asks. 64 bytes, a cache line.
  struct alignas(64) CacheSlot {
    uint64_t free;      // of the loaded slots, those not handed out
    BitIndex word_bit;  // of the first of them
    BitIndex resident;  // the driver's own; 0 when a span comes in
    uint32_t elemsize;
    uint16_t nelems;
    bool needzero;
    union {
      uint64_t loaded;  // gc reclaim: what `free` was when they were loaded
      uint64_t tail;    // explicit: bytes at a span's end that are no slot's
    };
    uint64_t base;
    BitIndex bit;  // of slot 0
    SpanId span;
    uint16_t start;   // the free index when they were loaded
    uint16_t handed;  // slots handed out since the span came, without those of `loaded`
    // `start` and `handed` are for gc reclaim only.

    uint32_t word() const { return static_cast<uint32_t>(word_bit - bit) / 64; }
    // Slots below it are not looked at any more: freeindex in the runtime.
    uint32_t FreeIndex() const {
      const uint64_t taken = loaded & ~free;
      return taken == 0 ? start : word() * 64 + static_cast<uint32_t>(std::bit_width(taken));
    }
    uint32_t Handed() const {
      const uint64_t taken = loaded & ~free;
      return handed + static_cast<uint32_t>(std::popcount(taken));
    }
  };
  static_assert(sizeof(CacheSlot) == 64);
  // The caches of a P by span class; they never move.
  CacheSlot* caches(uint32_t p) { return &caches_[size_t{p} * span_classes_]; }
  // The bit of the next free slot of a cached span, 0 where it is full: then Malloc must be called.
  BitIndex TakeSlot(CacheSlot& k);
  // The same where one of the loaded slots is free.
  static BitIndex TakeLoaded(CacheSlot& k);
  // Room for a tiny object in the current block; false, with nothing changed, where there is none.
  bool TryTiny(uint32_t p, uint32_t size, uint64_t* address, BitIndex* bit);
  // A slot taken for a tiny object becomes the current block where it has more room left.
  bool TakesTinyBlock(uint32_t p, uint32_t size) const { return size < tiny_[p].offset; }
  void OfferTinyBlock(uint32_t p, uint32_t size, uint64_t address, BitIndex bit);
  // What Malloc would say of a slot that TakeSlot gave.
  Placement Taken(uint32_t p, SpanClass c, BitIndex bit, bool needzero) const {
    return Place(cache(p, c), bit, c, needzero);
  }

  // Places an object in a slot of the given class, never tiny: what an alignment asks for.
  Placement MallocClass(uint32_t p, uint32_t size_class, bool noscan, bool needzero) {
    const Placement r =
        Small(p, static_cast<SpanClass>(size_class << 1 | (noscan ? 1 : 0)), needzero);
    local_[p].scan += noscan ? 0 : (*options_.classes)[size_class].size;
    return r;
  }
  // A large object of `size` bytes on pages for `span_bytes` >= size.
  Placement MallocLarge(uint32_t p, uint64_t size, uint64_t span_bytes, bool noscan, bool needzero);

  // True once after a refill or a large allocation: the moments at which the runtime looks whether
  // a collection is due.
  bool TakeGcCheck() {
    const bool due = gc_check_;
    gc_check_ = false;
    return due;
  }

  // Begin to fetch what FreeSlot will look at: first the slot's word, later its span, which a free
  // of a small slot needs where it is the first in a full one.
  void PrefetchSlot(BitIndex bit) const { bits_.Prefetch(bit); }
  void PrefetchSpan(BitIndex bit) const { __builtin_prefetch(&spans_[bits_.OwnerOf(bit)], 1); }

  // Explicit reclaim only: the slot is free again. Under gc, memory comes back by sweeping what the
  // Marker says is dead.
  void FreeSlot(BitIndex bit);
  // On whose behalf FreeSlot and FreeEmpty work.
  void SetProc(uint32_t p) { p_ = p; }
  // The pieces of explicit reclaim for loops that keep everything else to themselves (explicit.h).
  //
  // Bytes that they count, for AddSums.
  struct ExplicitSums {
    uint64_t taken = 0;  // slots that caches loaded
    uint64_t freed = 0;  // slots freed
    uint64_t tails = 0;  // ends of spans that came to a cache
  };
  // A slot for a cache whose loaded slots are all handed out, from the rest of its span or from the
  // next one; 0, with nothing changed, where that takes more than the central list: then Malloc
  // must be called.
  BitIndex ReloadSlot(SpanClass c, CacheSlot& k, ExplicitSums* sums);
  // Takes back what TakeLoaded gave last.
  static void PutBack(CacheSlot& k, BitIndex bit) { k.free |= uint64_t{1} << (bit - k.word_bit); }
  // FreeSlot for a slot of a size class, but for what it counts (SmallFrees, ExplicitSums). The
  // slot's span where nothing is left in it and it is in no cache: FreeEmpty must follow; else
  // kNoSpan. word, bit: of the slot; of `bit` the lower 6 bits are looked at.
  SpanId FreeSmallSlot(uint64_t word, uint64_t bit, uint32_t size_class);
  // Slots of each size class that this P freed.
  uint64_t* SmallFrees(uint32_t p) { return local_[p].nsmallfree.data(); }
  void AddSums(const ExplicitSums& sums) {
    stats_.heap_live += sums.taken - sums.freed + sums.tails;
  }
  // Nothing is left in a span: its pages go back.
  void FreeEmpty(SpanId id);
  // What the driver knows about a span in use, for its caches (CacheSlot::resident).
  void SetResident(SpanId span) { spans_[span].resident = true; }

  // --- Manual spans and the page level ---

  // A span for a stack or for work buffers, kNoSpan where there is no memory; counted in
  // stacks_inuse or gc_sys instead of the heap.
  SpanId AllocateManual(Pages npages, SpanKind kind);
  void FreeManual(SpanId span, SpanKind kind);
  // A span for objects without reclaim, sweep or setup of slots, and its way back: what a log of
  // the page level alone drives. Throws kOutOfMemory.
  SpanId AllocateSpan(Pages npages, SpanClass span_class, bool large);
  void FreeSpan(SpanId span, FreeCause cause);
  // Gives back free pages unused for longer than `limit` nanoseconds at `now`.
  Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) {
    return pages_->Scavenge(k, now, limit);
  }
  // Gives back free pages, the highest addresses first, until `at_most` bytes are.
  Bytes Release(Bytes at_most) { return pages_->Release(at_most); }
  // What the runtime prints about a scavenge with gctrace on.
  std::vector<std::string> ScavengeTrace(int32_t k, Bytes released) const;

  // --- Collection, step by step (sweep.cc, pacing.cc) ---

  // Whether a cycle is due: heap_live has reached the trigger.
  bool ShouldStartGc() const { return stats_.heap_live >= stats_.gc_trigger; }
  // Sweeps one span: its pages if they became free, 0 if it stays in use, -1 where nothing is left
  // to sweep.
  int64_t SweepStep(SweepCause cause);
  bool sweep_done() const { return sweep_done_; }
  // After the last sweep of a cycle: mark bits made from now on belong to the next.
  void NextMarkBitEpoch() { gc_bits_.NextEpoch(); }
  // Mark termination: caches give back their spans and forget their tiny blocks.
  void FlushAll();
  void SetPhase(GcPhase phase) { phase_ = phase; }
  GcPhase phase() const { return phase_; }
  // Marking found this many bytes alive, and scanned `scan_work` bytes for it (0 where that is not
  // known): the new heap_live and heap_scan.
  void SetMarked(uint64_t bytes, uint64_t scan_work = 0);
  // The mark phase is over: raises the sweep generation. Throws kNonEmptySweptList where the last
  // cycle was not swept.
  void StartSweep();
  // Computes trigger and goal from the ratio by which the heap may grow over what was marked, and
  // paces the sweep by them.
  void SetTriggerRatio(double ratio);
  double trigger_ratio() const { return trigger_ratio_; }
  // Paces the sweep for a trigger computed elsewhere.
  void SetPacing(uint64_t trigger, uint64_t goal, uint64_t marked);

  // --- Special records (sweep.cc) ---

  // False where the object has one. Throws kSpecialOnInvalidPointer where the address is in no span
  // in use.
  bool AddFinalizer(Address a) { return AddSpecial(a, SpecialKind::kFinalizer); }
  // Throws kProfileExists where the object has one.
  void AddProfile(Address a);
  bool RemoveFinalizer(Address a);

  // --- Lookups (lookup.cc), with the runtime's use of stale entries and `limit` ---

  SpanId SpanOf(Address a) const;
  // The span, free or not, that has this address among its pages; kNoSpan beyond the arena's use.
  // Inside a free span entries are stale, so this may have to walk back to the span's start.
  SpanId SpanContaining(Address a) const;
  SpanId LookupMaybe(Address a) const;
  bool InHeap(Address a) const;
  bool InHeapOrStack(Address a) const;
  struct Found {
    SpanId span = kNoSpan;
    Address base;
    Bytes size;
  };
  // The object that an address points into (mlookup); counts in the nlookup of `p`.
  Found Lookup(uint32_t p, Address a);

  // --- State ---

  // As the runtime would see them: what the caches of the Ps count by themselves comes in with
  // TransferLocalStats. Under explicit reclaim heap_live lacks what is free in cached spans.
  const MemStats& stats() const { return stats_; }
  // The same with everything that the caches hold: what ReadMemStats gives.
  MemStats ReadStats() const;
  // Adds the caches' own counters to the global ones (cachestats in the runtime: at mark
  // termination and before ReadMemStats).
  void TransferLocalStats();
  uint32_t sweepgen() const { return pages_->sweepgen; }
  uint64_t pages_in_use() const { return pages_->pages_in_use; }
  uint64_t pages_swept() const { return pages_swept_; }
  uint64_t pages_swept_basis() const { return pages_swept_basis_; }
  uint64_t sweep_heap_live_basis() const { return sweep_heap_live_basis_; }
  double sweep_pages_per_byte() const { return sweep_pages_per_byte_; }
  const SpanTable& spans() const { return spans_; }
  const Arena& arena() const { return arena_; }
  const PageAllocator& pages() const { return *pages_; }
  const BitSpace& bits() const { return bits_; }
  const SizeClasses& classes() const { return *options_.classes; }
  const HeapOptions& options() const { return options_; }
  Address DescriptorAddress(SpanId id) const { return spans_.DescriptorAddress(id); }

  // The span in a cache, kNoSpan: none.
  SpanId Cached(uint32_t p, SpanClass c) const { return cache(p, c).span; }
  // The current tiny block of a cache: its address (0: none) and bit. Where there is none its
  // offset is that of a full one: no room in it, and any other takes its place.
  struct TinyBlock {
    uint64_t address = 0;
    BitIndex bit = 0;
    uint32_t offset = kTinySize;  // bytes taken
  };
  const TinyBlock& tiny_block(uint32_t p) const { return tiny_[p]; }

  // Which slots of a span in use are taken, one bit a slot, into (nelems + 63) / 64 words: handed
  // out and not yet found dead.
  void AllocatedSlots(SpanId id, uint64_t* words) const;

  // What the slots of a span in use are like, whoever keeps it; they must have been made.
  SlotState Slots(const Span& s) const;

  // Throws kSelfCheck where two structures disagree (self_check.cc). Costs a walk over everything.
  void SelfCheck() const;

 private:
  CacheSlot& cache(uint32_t p, SpanClass c) { return caches_[p * span_classes_ + c]; }
  const CacheSlot& cache(uint32_t p, SpanClass c) const { return caches_[p * span_classes_ + c]; }

  Placement Small(uint32_t p, SpanClass c, bool needzero);
  Placement SmallSlow(uint32_t p, SpanClass c, bool needzero);
  Placement Place(const CacheSlot& k, BitIndex bit, SpanClass c, bool needzero) const;
  Placement Tiny(uint32_t p, uint32_t size);

  // central.cc
  BitIndex NextWord(CacheSlot& k);
  void LoadWord(CacheSlot& k, uint32_t word);
  void Refill(uint32_t p, SpanClass c);
  SpanId TakeCentral(SpanClass c, RefillPath* path);
  SpanId GrowCentral(SpanClass c);
  void Uncache(CacheSlot& k);  // central list's uncacheSpan
  // front_calls.cc
  void AttachFrontEnd();
  Placement TakeFromFront(uint32_t p, SpanClass c, bool needzero);
  void FreeToFront(BitIndex bit);
  uint32_t CachedSlots(const Span& s) const;
  // explicit.cc
  bool KeepsSlotStates(const Span& s) const {
    return options_.reclaim == Reclaim::kExplicit && options_.front_end == nullptr && !s.large();
  }
  BitIndex NextSlotExplicit(uint32_t p, SpanClass c);
  BitIndex TakeWord(CacheSlot& k, BitSpace::Word* words, SlotState state, uint32_t word,
                    ExplicitSums* sums);  // explicit.h
  void DropCached(CacheSlot& k);
  // The slots of one of a span's words.
  static uint64_t SlotMask(uint32_t nelems, uint32_t word) {
    const uint32_t rest = nelems - word * 64;
    return ~uint64_t{0} >> (64 - (rest < 64 ? rest : 64));
  }
  // std::popcount without the call that it is on the oldest processors, which everything is
  // compiled for. ReloadSlot does without: a loop that it goes into has a version for newer ones.
  static uint32_t CountBits(uint64_t w) {
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return static_cast<uint32_t>(w * 0x0101010101010101 >> 56);
  }
  SpanId AllocateGcSpan(Pages npages, SpanClass c, bool large, bool needzero);
  void InitSlots(SpanId id);
  void FreeObjectSpan(SpanId id, FreeCause cause);
  uint32_t FirstFreeSlot(const Span& s) const;  // from free_index on, nelems: none
  SpanId TakePages(Pages npages, SpanClass c, bool large);
  uint64_t HeapLive() const;
  void WriteBack(CacheSlot& k);
  void TransferLocal(uint32_t p);

  // sweep.cc
  void Deduct(Bytes span_bytes, Pages caller_pages);
  void ReclaimPages(Pages npages);
  uint64_t ReclaimList(ListId list, uint64_t npages);
  bool Sweep(SpanId id, bool preserve);
  bool SweepToCentral(SpanId id, bool preserve, bool was_full);
  void EnsureSwept(SpanId id);
  bool AddSpecial(Address a, SpecialKind kind);
  void SweepSpecials(Span& s, uint64_t* marks);
  std::vector<SpanId>& SweptStack() { return sweep_spans_[sweepgen() / 2 % 2]; }
  std::vector<SpanId>& UnsweptStack() { return sweep_spans_[1 - sweepgen() / 2 % 2]; }

  HeapOptions options_;
  HeapSeams seams_;
  MemStats stats_;
  SpanTable spans_;
  Arena arena_;
  BitSpace bits_;
  GcBitsArenas gc_bits_;
  Specials specials_;
  FixAlloc cache_records_;
  std::unique_ptr<PageAllocator> pages_;

  uint32_t span_classes_;
  std::vector<CacheSlot> caches_;
  std::vector<TinyBlock> tiny_;
  // Counters that the runtime keeps in the cache of a P and adds to the global ones at certain
  // moments.
  struct LocalStats {
    uint64_t scan = 0, tinyallocs = 0, nlookup = 0, largefree = 0, nlargefree = 0;
    std::array<uint64_t, kMaxSizeClasses> nsmallfree = {};
  };
  std::vector<LocalStats> local_;
  uint32_t p_ = 0;  // whose cache the heap is working for
  bool gc_check_ = false;
  bool observes_caches_;

  GcPhase phase_ = GcPhase::kOff;
  bool sweep_done_ = false;
  std::vector<SpanId> sweep_spans_[2];
  uint64_t pages_swept_ = 0, pages_swept_basis_ = 0, sweep_heap_live_basis_ = 0;
  double sweep_pages_per_byte_ = 0;
  double trigger_ratio_ = 0;
};

// ---------------------------------------------------------------- the fast path

inline Placement Heap::Malloc(uint32_t p, uint64_t size, bool noscan, bool needzero) {
  if (noscan && size < kTinySize && options_.tiny) return Tiny(p, static_cast<uint32_t>(size));
  if (size <= options_.classes->max_small_size()) {
    const uint32_t c = options_.classes->ClassOf(size);
    const Placement r = Small(p, static_cast<SpanClass>(c << 1 | (noscan ? 1 : 0)), needzero);
    local_[p].scan += noscan ? 0 : size;  // after: a refill moves what was counted before
    return r;
  }
  return MallocLarge(p, size, RoundUp(size, kPageSize), noscan, needzero);
}

inline Placement Heap::Place(const CacheSlot& k, BitIndex bit, SpanClass c, bool needzero) const {
  Placement r;
  r.address = k.base + (bit - k.bit) * k.elemsize;
  r.bit = bit;
  r.span_class = c;
  r.tiny = false;
  r.fresh_block = true;
  r.cleared = needzero && k.needzero;
  return r;
}

// The runtime's nextFreeFast and, where the loaded 64 slots end, its nextFreeIndex: same slots.
inline BitIndex Heap::TakeSlot(CacheSlot& k) {
  if (k.free == 0) [[unlikely]] {
    return NextWord(k);
  }
  return TakeLoaded(k);
}

inline BitIndex Heap::TakeLoaded(CacheSlot& k) {
  const uint64_t free = k.free;
  k.free = free & (free - 1);
  return k.word_bit + static_cast<uint64_t>(std::countr_zero(free));
}

inline Placement Heap::Small(uint32_t p, SpanClass c, bool needzero) {
  CacheSlot& k = cache(p, c);
  const BitIndex bit = TakeSlot(k);
  if (bit == 0) [[unlikely]] {
    return SmallSlow(p, c, needzero);
  }
  return Place(k, bit, c, needzero);
}

inline bool Heap::TryTiny(uint32_t p, uint32_t size, uint64_t* address, BitIndex* bit) {
  TinyBlock& t = tiny_[p];
  // Aligned to the largest power of two that divides the size: at most 8, as sizes are below 16.
  const uint32_t align = size & -size;
  const uint32_t offset = (t.offset + align - 1) & -align;
  if (offset + size > kTinySize) return false;
  t.offset = offset + size;
  ++local_[p].tinyallocs;
  *address = t.address + offset;
  *bit = t.bit;
  return true;
}

inline void Heap::OfferTinyBlock(uint32_t p, uint32_t size, uint64_t address, BitIndex bit) {
  if (!TakesTinyBlock(p, size)) return;
  TinyBlock& t = tiny_[p];
  t.address = address;
  t.bit = bit;
  t.offset = size;
}

inline Placement Heap::Tiny(uint32_t p, uint32_t size) {
  Placement r;
  r.span_class = kTinyClass;
  r.tiny = true;
  r.fresh_block = false;
  r.cleared = false;
  if (TryTiny(p, size, &r.address, &r.bit)) return r;
  r = Small(p, kTinyClass, false);
  r.tiny = true;
  OfferTinyBlock(p, size, r.address, r.bit);
  return r;
}

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_HEAP_H_
