// Where the heap ends: everything it needs from outside, as interfaces.
//
// The heap cannot tell whether a simulated machine, a log of the real runtime or a real kernel
// answers here. All calls are per span or rarer, so that virtual dispatch costs nothing that can be
// measured.
#ifndef HEAPSIM_HEAP_SEAMS_H_
#define HEAPSIM_HEAP_SEAMS_H_

#include <cstdint>

#include "heap/units.h"

namespace heapsim::heap {

// What a madvise call asks for.
enum class Advice : uint8_t { kDontNeed, kFree, kHugePage, kNoHugePage };

// Which statistic of MemStats a piece of system memory is charged to (the runtime's *_sys).
enum class SysStat : uint8_t { kHeap, kStacks, kMSpan, kMCache, kBuckHash, kGc, kOther };

// Why memory is mapped; only for observers, the answer must not depend on it.
enum class MapArea : uint8_t { kArena, kSpans, kBitmap };

// The operating system. Lengths are multiples of the OS page unless said otherwise; memory from Map
// and Alloc reads as zero.
class Os {
 public:
  virtual ~Os() = default;

  // Bytes in a page of the operating system (a power of two).
  virtual Bytes PhysicalPageSize() const = 0;

  // Reserves address space without memory behind it, at `hint` if that is free. Null on failure.
  virtual Address Reserve(Address hint, Bytes length) = 0;

  // Makes a reserved range readable and writable. False when the system refuses.
  virtual bool Map(MapArea area, Address begin, Bytes length, SysStat stat) = 0;

  // Fresh readable and writable memory anywhere. Null on failure.
  virtual Address Alloc(Bytes length, SysStat stat) = 0;

  // Gives back what Alloc gave.
  virtual void Free(Address begin, Bytes length, SysStat stat) = 0;

  // madvise. False when the system refuses; callers ignore that, as the runtime does.
  virtual bool Advise(Address begin, Bytes length, Advice advice) = 0;

  // Makes a range inaccessible but keeps it reserved (sysFault).
  virtual void Fault(Address begin, Bytes length) = 0;

  // Memory for the heap's own records that is never given back (persistentalloc), `align` a power
  // of two. `element_size` is the size of the records a fixed-size allocator will cut it into, 0
  // for others; only for observers.
  virtual Address Persistent(Bytes size, Bytes align, SysStat stat, Bytes element_size) = 0;

  // The program reads or writes [begin, begin + length): any length, any alignment.
  virtual void Touch(Address begin, Bytes length) = 0;
};

// Monotonic nanoseconds since the heap was initialised.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t Now() = 0;
};

// The source of treap priorities.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint32_t Next() = 0;
};

using SpanId = uint32_t;
inline constexpr SpanId kNoSpan =
    0;  // ids count from 1, in the order in which descriptors were made

// Tells a sweep which objects of a span live.
class Marker {
 public:
  virtual ~Marker() = default;
  // Writes the span's mark bits, one bit a slot, to `marks` ((slots + 63) / 64 words; bits beyond
  // the last slot must be 0). `allocated` has a bit set for each slot that was handed out and not
  // yet found dead; `bits` is the index of the first slot in the heap's bit space
  // (heap/bit_space.h).
  virtual void Marks(SpanId span, uint64_t bits, uint32_t slots, const uint64_t* allocated,
                     uint64_t* marks) = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_SEAMS_H_
