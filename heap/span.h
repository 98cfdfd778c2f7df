// Spans: runs of heap pages, the lists they stand in, and the table that finds the span of a page
// (the runtime's mspan, mSpanList and h.spans).
#ifndef HEAPSIM_HEAP_SPAN_H_
#define HEAPSIM_HEAP_SPAN_H_

#include <cstdint>
#include <vector>

#include "heap/fixalloc.h"
#include "heap/mem_stats.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/size_classes.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

inline constexpr uint32_t kMaxHeapList = 128;  // free spans of fewer pages have a list per length

// A span list is named by a number; 0 is no list.
using ListId = uint16_t;
inline constexpr ListId kNoList = 0;
inline constexpr ListId kFreeLists = 1;                            // + pages
inline constexpr ListId kBusyLists = kFreeLists + kMaxHeapList;    // + pages: large objects in use
inline constexpr ListId kBusyLarge = kBusyLists + kMaxHeapList;    // those of 128 pages and more
inline constexpr ListId kNonempty = kBusyLarge + 1;                // + span class: central lists
inline constexpr ListId kEmpty = kNonempty + 2 * kMaxSizeClasses;  // + span class
// Central lists by how many slots are taken, in powers of two (heap/front/span_slots.h).
inline constexpr uint32_t kOccupancyLists = 8;
inline constexpr ListId kOccupancy =
    kEmpty + 2 * kMaxSizeClasses;  // + span class x kOccupancyLists + n
inline constexpr ListId kListCount = kOccupancy + 2 * kMaxSizeClasses * kOccupancyLists;

inline constexpr Bytes kDescriptorSize{152};  // sizeof(mspan) on amd64, in the simulated memory

// One span descriptor, a cache line. A plain record: sweepgen survives reuse of the descriptor, as
// in the runtime, since stale entries of the sweep stacks look at it.
struct alignas(64) Span {
  uint64_t base;      // address
  SpanId next, prev;  // in its list
  uint32_t sweepgen;  // heap's - 2: to be swept; - 1: being swept; equal: swept
  uint32_t bits;      // first word of the slots in the bit space
  uint32_t elemsize;  // bytes of a slot; 0 for large and manual spans
  uint32_t specials;  // first special record, 0: none
  ListId list;
  uint16_t free_index;  // slots below it are taken
  SpanClass span_class;
  SpanState state;
  bool resident;  // the driver's own, about a span in use; false when it comes into use
  // The next four of a span of slots in use: under explicit reclaim without a front end these are
  // not kept, the first word of its slots is (SlotState). Heap::Slots asks the right one.
  uint16_t free_words;  // with a front end: words with slots that are free and in no cache
  bool needzero;
  bool incache;
  uint16_t alloc_count;
  uint16_t nelems;
  uint32_t npages;
  uint32_t npreleased;  // pages given back to the system
  union {
    uint64_t limit;       // of a span in use: end of the data in it (address)
    int64_t unusedsince;  // of a free one: when it was freed
  };

  Address address() const { return Address(base); }
  Bytes bytes() const { return Bytes(uint64_t{npages} << kPageShift); }
  uint64_t end() const { return base + (uint64_t{npages} << kPageShift); }
  uint32_t size_class() const { return span_class >> 1; }
  bool noscan() const { return (span_class & 1) != 0; }
  bool large() const { return size_class() == 0; }
  // Bytes of the object or of each slot.
  uint64_t slot_bytes() const { return large() ? bytes().v : elemsize; }
};
static_assert(sizeof(Span) == 64);

// The layout of the address space that the heap works in (Go on linux/amd64): span table, heap
// bitmap (growing downwards from the arena), arena.
struct ArenaLayout {
  Address start;  // of the arena
  Address end;
  Bytes spans_bytes;   // reserved for the span table, which stands below the bitmap
  Bytes bitmap_bytes;  // reserved for the bitmap, which ends at the arena's start
  bool reserved =
      true;  // false: the address space was only probed, each growth maps its own memory

  Address spans_start() const { return start - bitmap_bytes - spans_bytes; }

  // One range of 512 GiB at the runtime's usual address, with a page to spare.
  static ArenaLayout Go110() {
    ArenaLayout a;
    a.spans_bytes = Bytes(uint64_t{512} << 20);
    a.bitmap_bytes = Bytes(uint64_t{16} << 30);
    a.start = Address(0xc000000000) + a.spans_bytes + a.bitmap_bytes;
    a.end = a.start + Bytes((uint64_t{512} << 30) + kPageSize);
    return a;
  }
};

// All span descriptors, the lists, and the page table. Page indices count from the arena's start.
class SpanTable {
 public:
  SpanTable(const ArenaLayout& layout, Os* os, MemStats* stats, Observer* observer);

  // Takes a descriptor and makes it a dead span of [base, base + npages). Throws when the system
  // has no memory for it.
  SpanId New(Address base, Pages npages);
  // Gives a descriptor back; it must be in no list.
  void Delete(SpanId id);

  // The same for a record that has no place in simulated memory: what the simulated system does not
  // keep a descriptor of. Such ids come from the other end.
  SpanId NewBare(Address base, Pages npages);
  void DeleteBare(SpanId id);
  bool IsBare(SpanId id) const { return id >= bare_from_; }

  Span& operator[](SpanId id) { return spans_[id]; }
  const Span& operator[](SpanId id) const { return spans_[id]; }
  // Null for a bare one.
  Address DescriptorAddress(SpanId id) const {
    return IsBare(id) ? Address() : alloc_.AddressOf(id);
  }
  uint32_t made() const { return alloc_.made(); }
  Bytes inuse() const { return alloc_.inuse(); }

  uint64_t PageIndex(Address a) const { return (a.v - arena_start_) >> kPageShift; }
  // The page table's entry: the span for pages in use, and for the first and last page of a free
  // span; else whatever stood there.
  SpanId AtPage(uint64_t page) const { return pages_[page]; }
  void SetPage(uint64_t page, SpanId id) { pages_[page] = id; }

  // Lists (the runtime's mSpanList operations, same failures).
  SpanId First(ListId list) const { return heads_[list].first; }
  bool IsEmpty(ListId list) const { return heads_[list].first == kNoSpan; }
  void Insert(ListId list, SpanId id);  // at the head
  void InsertBack(ListId list, SpanId id);
  // Takes the head out of a list that has one.
  SpanId TakeFirst(ListId list) {
    const SpanId id = heads_[list].first;
    PopFirst(list, spans_[id]);
    spans_[id].list = kNoList;
    return id;
  }
  // The same where that is known to be `s`; leaves s.list as it is.
  void PopFirst(ListId list, Span& s) {
    Head& h = heads_[list];
    h.first = s.next;
    if (s.next == kNoSpan) {
      h.last = kNoSpan;
    } else {
      spans_[s.next].prev = kNoSpan;
    }
    s.next = kNoSpan;
  }
  // Insert for a span that is known to be in no list, whatever it says.
  void PutFirst(ListId list, SpanId id) {
    Head& h = heads_[list];
    Span& s = spans_[id];
    s.next = h.first;
    s.list = list;
    if (h.first == kNoSpan) {
      h.last = id;
    } else {
      spans_[h.first].prev = id;
    }
    h.first = id;
  }
  void Remove(ListId list, SpanId id);
  void TakeAll(ListId to, ListId from);  // moves everything to the front of `to`

 private:
  struct Head {
    SpanId first = kNoSpan, last = kNoSpan;
  };
  void RecordSpan();

  uint64_t arena_start_;
  Os* os_;
  MemStats* stats_;
  Observer* observer_;
  FixAlloc alloc_;
  VirtualArray<Span> spans_;
  VirtualArray<SpanId> pages_;
  std::vector<Head> heads_;
  SpanId bare_from_;  // the lowest id ever given to a bare one
  std::vector<SpanId> free_bare_;
  // allspans: the runtime's array of pointers to every descriptor, which is reallocated as it
  // grows. Ids are its indices, so only its memory is modelled.
  Address allspans_;
  uint64_t allspans_cap_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_SPAN_H_
