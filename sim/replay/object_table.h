// Where each live object of the trace is: 8 bytes an object, by object id.
#ifndef HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_
#define HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_

#include <cstdint>

#include "heap/bit_space.h"
#include "heap/observer.h"
#include "heap/size_classes.h"
#include "heap/virtual_array.h"

namespace heapsim::sim {

// One object, packed: what a free needs to know without looking anywhere else.
//
//   bits 0-32   the bit of its slot (heap/bit_space.h)
//   bit 33      kAlone
//   bits 34-52  requested size; 0 for large objects, whose size is elsewhere
//   bits 53-59  size class; 0 for large objects
//   bits 60-63  flags
//
// 0 where there is none.
class ObjectEntry {
 public:
  // Small enough to be tiny, and was not made so: it may grow in its slot.
  static constexpr uint64_t kAlone = uint64_t{1} << 33;
  // Shares its slot, or may have to: of tiny objects, those in what is or was a cache's current
  // block, and some that have a slot to themselves.
  static constexpr uint64_t kTiny = uint64_t{1} << 60;
  // Part of its slot was on a page that was not resident: a change concerns the span's ledger.
  static constexpr uint64_t kLoose = uint64_t{1} << 61;
  static constexpr uint64_t kLarge = uint64_t{1} << 62;  // pages of its own
  static constexpr uint64_t kZero = uint64_t{1} << 63;   // 0 bytes: no slot
  static constexpr uint64_t kFlags = kAlone | kTiny | kLarge | kZero | kLoose;

  constexpr ObjectEntry() = default;
  constexpr explicit ObjectEntry(uint64_t v) : v_(v) {}
  static constexpr ObjectEntry Make(heap::BitIndex bit, uint32_t size_class, uint64_t size,
                                    uint64_t flags) {
    return ObjectEntry(bit | size << 34 | uint64_t{size_class} << 53 | flags);
  }

  constexpr bool live() const { return v_ != 0; }
  constexpr bool has(uint64_t flag) const { return (v_ & flag) != 0; }
  // Live, in a slot that is resident throughout, with others or alone: nearly every object.
  constexpr bool plain_or_tiny() const {
    static_assert(kTiny == uint64_t{128} << 53 && kLoose == uint64_t{256} << 53);
    return (v_ >> 53) - 1 < 255;  // class and kTiny, of which the class is not 0
  }
  // 1 where kTiny is set.
  constexpr uint64_t tiny() const { return v_ >> 60 & 1; }
  // The word of its bit.
  constexpr uint64_t word() const { return v_ << 31 >> 37; }
  constexpr heap::BitIndex bit() const { return v_ & (kAlone - 1); }
  constexpr uint32_t size_class() const { return v_ >> 53 & 127; }
  constexpr uint64_t size() const { return v_ >> 34 & ((uint64_t{1} << 19) - 1); }
  constexpr uint64_t raw() const { return v_; }

 private:
  uint64_t v_ = 0;
};
static_assert(heap::kMaxSlotWords * 64 <= ObjectEntry::kAlone);
static_assert(heap::kMaxSizeClasses <= 128 && heap::kMaxSlotBytes < 1 << 19);

class ObjectTable {
 public:
  ObjectTable() : entries_(kMaxObjects, kSmall) {}

  ObjectEntry operator[](uint32_t id) const { return ObjectEntry(entries_[id]); }
  void Set(uint32_t id, ObjectEntry e) { entries_[id] = e.raw(); }
  void Clear(uint32_t id) { entries_[id] = 0; }
  const uint64_t* data() const { return entries_.data(); }
  uint64_t* data() { return entries_.data(); }

 private:
  static constexpr size_t kMaxObjects = size_t{1} << 32;
  // It is full of live entries, and every event looks into it: large pages soon.
  static constexpr size_t kSmall = size_t{2} << 20;
  heap::VirtualArray<uint64_t> entries_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_
