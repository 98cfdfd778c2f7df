// What a trace reader hands out: a block of decoded events in columns.
//
// Allocations and frees stand in lists of their own, so that a replayer can run them as two loops
// wherever they commute. The bitmap `is_free` holds the order in which they came.
#ifndef HEAPSIM_TRACES_EVENT_BLOCK_H_
#define HEAPSIM_TRACES_EVENT_BLOCK_H_

#include <cstdint>
#include <vector>

namespace heapsim::traces {

// Events in a block, at most.
inline constexpr uint32_t kMaxBlockEvents = 65536;

// The id of no object: an event that does nothing (free(NULL), free of an unknown pointer, a failed
// call).
inline constexpr uint32_t kNoObject = 0xffffffff;

// In EventBlock::alloc_size: the size is in the event's exception.
inline constexpr uint32_t kWideSize = 0xffffffff;

// The call an event was. The values are stored in files: do not renumber.
enum class EventKind : uint8_t {
  kMalloc = 0,  // C++ new too
  kCalloc = 1,  // the size is the product
  kMemalign = 2,
  // Of a live object: a new size, same id (a `frees` entry). Of null or of an unknown pointer: an
  // allocation (an `allocs` entry).
  kRealloc = 3,
  kFree = 4,
  kFreeNull = 5,
  kFreeUnknown = 6,
  // realloc of a live object to size 0 with a null result: a free (a `frees` entry). A realloc to 0
  // that gave a block back is kRealloc with size 0: the object lives on.
  kReallocFree = 7,
};
inline constexpr uint8_t kMaxEventKind = 7;

// True for the kinds that, when they succeed with a new block, take an `allocs` entry.
inline bool IsAllocationKind(EventKind kind) { return kind <= EventKind::kRealloc; }

// An event that is not a plain malloc or free of a live object.
struct Exception {
  uint16_t position = 0;  // of the event within the block, from 0
  EventKind kind = EventKind::kMalloc;
  bool failed = false;  // the call gave null back: the event does nothing, but counts
  uint32_t dropped_object = kNoObject;  // was live at the new block's address: is freed first
  // Bytes asked for; 0 for frees. Of calloc the product.
  uint64_t size = 0;
  uint64_t alignment = 0;  // kMemalign only

  friend bool operator==(const Exception&, const Exception&) = default;
};

enum class MarkerKind : uint8_t {
  kGc = 0,       // the recorded program's collector started a cycle
  kRelease = 1,  // the recorded program gave memory back
  kPhase = 2,    // value: a number the program gave
  kRss = 3,      // value: resident bytes as the recorder saw them
};
inline constexpr uint8_t kMaxMarkerKind = 3;

// Stands before the event at `position`; `position` == count: after the block's last event.
struct Marker {
  uint32_t position = 0;
  MarkerKind kind = MarkerKind::kGc;
  uint64_t value = 0;

  friend bool operator==(const Marker&, const Marker&) = default;
};

// A reader reuses the memory: a block is valid until it is passed to Next again.
//
// A reader guarantees: the columns fit together; every id is below the number of ids handed out by
// the block's end (or kNoObject, which then has an exception); exceptions are sorted by position,
// one an event at most, and their kind fits the side the event is on. It does NOT guarantee that a
// freed object was alive: that is the replayer's to see.
struct EventBlock {
  uint64_t first_event = 0;  // number of the first event, from 1
  uint32_t count = 0;

  // Bit i (of word i/64, least significant first): event i takes the next entry of the frees, else
  // of the allocations. Bits past `count` are 0.
  std::vector<uint64_t> is_free;

  // One entry an allocation.
  std::vector<uint32_t> alloc_object;
  std::vector<uint32_t> alloc_size;  // bytes asked for, or kWideSize

  // One entry a free, realloc of a live object, or event that does nothing.
  std::vector<uint32_t> free_object;

  std::vector<Exception> exceptions;

  // Optional columns: empty when the trace does not have them.
  std::vector<uint64_t> time_ns;    // an event: since the first event; may go backwards
  std::vector<uint32_t> thread;     // an event: dense, in order of first appearance
  std::vector<uint32_t> call_site;  // an allocation: node of the call-site tree, 0 unknown
  std::vector<uint64_t> scan;       // an allocation: bitmap, 1 = holds pointers
  std::vector<uint32_t> weight;     // an event: how many it stands for

  std::vector<Marker> markers;  // sorted by position

  bool IsFree(uint32_t event) const { return (is_free[event / 64] >> (event % 64)) & 1; }

  // Empties every column and keeps the memory.
  void Clear();

  friend bool operator==(const EventBlock&, const EventBlock&) = default;
};

inline void EventBlock::Clear() {
  first_event = 0;
  count = 0;
  is_free.clear();
  alloc_object.clear();
  alloc_size.clear();
  free_object.clear();
  exceptions.clear();
  time_ns.clear();
  thread.clear();
  call_site.clear();
  scan.clear();
  weight.clear();
  markers.clear();
}

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_EVENT_BLOCK_H_
