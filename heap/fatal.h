// The runtime's `throw`: the heap found itself in a state from which it cannot go on.
#ifndef HEAPSIM_HEAP_FATAL_H_
#define HEAPSIM_HEAP_FATAL_H_

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace heapsim::heap {

// One code a `throw` of the runtime, so that a driver can tell them apart without comparing text.
enum class FatalCode : uint8_t {
  kOutOfMemory,              // the arena ended, or the system gave no memory
  kCannotMap,                // sysMap failed
  kCannotAllocateMetadata,   // sysAlloc for the heap's own tables failed
  kNotFree,                  // a span taken from a free list is not free
  kBadPages,                 // a span taken from a free list is too short
  kStillInList,              // a span handed out is still linked
  kInvalidStackFree,         // a manual span is freed while in use
  kInvalidFree,              // a span is freed while it holds objects or is not swept
  kInvalidSpanState,         // a span is freed that is neither in use nor manual
  kSpanListRemove,           // removing a span from a list it is not in
  kSpanListInsert,           // inserting a span that is in a list
  kTreapInsert,              // inserting into the treap a span that is there
  kTreapRemove,              // removing from the treap a span that is not there
  kRefillNotFull,            // a cache gives up a span that has free slots
  kNoFreeSlot,               // a span fresh for a cache has no free slot
  kUncacheEmpty,             // a cached span in which nothing was ever allocated
  kBadSweepState,            // sweeping a span that is not to be swept
  kSweepCount,               // a sweep found more objects than were allocated
  kUnsweptNotInUse,          // a span on the unswept stack is neither in use nor swept
  kNonEmptySweptList,        // the swept stack is not empty when a cycle begins
  kMarkBitsOverflow,         // a span's mark bits do not fit in an arena
  kFreeIndex,                // an allocation index beyond the span's end
  kSpecialOnInvalidPointer,  // a special record for what is no object
  kProfileExists,            // a second profile record for one object
  kBadSpecialKind,           // a special record of unknown kind
  kObjectTooLarge,           // the size does not fit in the address space
  kSpanCached,               // a cached span reaches the central list
  kGcTriggerUnderflow,       // the pacer computed an impossible trigger
  kPersistentAlloc,          // persistentalloc called with an impossible size or alignment
  kFixAllocSize,             // fixalloc for records of no size, or larger than its chunks
  kTooManySlots,             // more slots than the simulator's own tables hold
  kUnalignedUnused,          // giving back what is not whole OS pages
  kSelfCheck,                // the in-heap self-check found two structures that disagree
};

// Thrown by heap code, caught at a driver's boundary. `what()` is the runtime's text where there is
// one.
class FatalError : public std::exception {
 public:
  FatalError(FatalCode code, std::string text) : code_(code), text_(std::move(text)) {}
  FatalCode code() const { return code_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  FatalCode code_;
  std::string text_;
};

// Out of line, so that the check costs its caller one predicted branch and no code.
[[noreturn]] void Throw(FatalCode code, std::string text);

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FATAL_H_
