// What heapsim and the child that runs the real allocator hand each other.
//
// Calls and readings lie in memory that both have mapped (shared memory, which is no anonymous
// memory and so does not count as the allocator's); a socket says whose turn it is.
#ifndef HEAPSIM_SIM_NATIVE_WIRE_H_
#define HEAPSIM_SIM_NATIVE_WIRE_H_

#include <cstddef>
#include <cstdint>

namespace heapsim::sim::native {

// The child finds these open.
inline constexpr int kSocketFd = 3;
inline constexpr int kSharedFd = 4;  // a Shared
inline constexpr int kTableFd = 5;   // the child's own: the address of each object

enum class Action : uint8_t {
  kNothing,
  kMalloc,
  kCalloc,
  kMemalign,
  kRealloc,
  kFree,
  kRelease,  // gives free memory back, as far as the allocator has a call for that
};

struct Call {
  uint64_t time_ns = 0;
  uint64_t size = 0;
  uint64_t touch_from = 0;  // of a realloc that stays in place: the bytes before were touched
  uint32_t object = 0;
  Action what = Action::kNothing;
  uint8_t alignment_log2 = 0;
  bool ends_step = false;  // memory may be looked at right after it
  bool read = false;       // memory must be looked at right after it
};
static_assert(sizeof(Call) == 32);

// What the process held after a call.
struct Reading {
  uint32_t call = 0;
  uint32_t unused = 0;
  uint64_t anonymous_bytes = 0;  // beyond what the process held before the first call
  uint64_t page_faults = 0;      // since then
};

inline constexpr uint32_t kMaxCalls = 1 << 16;

struct Shared {
  Call calls[kMaxCalls];
  Reading readings[kMaxCalls];
};

enum class TouchModel : uint8_t { kWhole, kFirst, kNone };

// To the child: do so many calls.
struct Order {
  uint32_t calls = 0;
  TouchModel touch = TouchModel::kWhole;
  uint32_t objects = 0;  // numbers of objects are below
};

enum class Outcome : uint8_t {
  kDone,
  kAbsent,    // malloc is not that of the library asked for
  kNoMemory,  // a call gave null
  kBroken,    // the child itself cannot go on
};

// From the child: once when it is ready, then after each order.
struct Answer {
  Outcome outcome = Outcome::kDone;
  uint32_t readings = 0;
  uint32_t call = 0;    // kNoMemory: which
  char text[244] = {};  // first: the allocator's version; kBroken: what went wrong
};

}  // namespace heapsim::sim::native

#endif  // HEAPSIM_SIM_NATIVE_WIRE_H_
