// Where each live object of the trace is: 8 bytes an object, by object id.
#ifndef HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_
#define HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_

#include <cstdint>

#include "heap/bit_space.h"
#include "heap/observer.h"
#include "heap/virtual_array.h"

namespace heapsim::sim {

// One object, packed: what a free needs to know without looking anywhere else.
//
//   bits 0-37   the bit of its slot (heap/bit_space.h)
//   bits 38-45  span class
//   bits 46-58  waste: slot size less requested size; of a tiny object its requested size
//   bits 59-63  flags
class ObjectEntry {
 public:
  static constexpr uint64_t kLive = uint64_t{1} << 63;
  static constexpr uint64_t kTiny = uint64_t{1} << 62;   // shares its slot
  static constexpr uint64_t kLarge = uint64_t{1} << 61;  // pages of its own; its size is elsewhere
  static constexpr uint64_t kZero = uint64_t{1} << 60;   // 0 bytes: no slot
  // Part of its slot was on a page that was not resident: a change concerns the span's ledger.
  static constexpr uint64_t kLoose = uint64_t{1} << 59;
  static constexpr uint64_t kSpecial = kTiny | kLarge | kZero | kLoose;

  constexpr ObjectEntry() = default;
  constexpr explicit ObjectEntry(uint64_t v) : v_(v) {}
  static constexpr ObjectEntry Make(heap::BitIndex bit, heap::SpanClass c, uint64_t waste,
                                    uint64_t flags) {
    return ObjectEntry(bit | uint64_t{c} << 38 | waste << 46 | flags | kLive);
  }

  constexpr bool live() const { return (v_ & kLive) != 0; }
  constexpr bool has(uint64_t flag) const { return (v_ & flag) != 0; }
  // Live, with a slot to itself that is resident throughout: nearly every object.
  constexpr bool plain() const { return (v_ & (kLive | kSpecial)) == kLive; }
  constexpr heap::BitIndex bit() const { return v_ & ((uint64_t{1} << 38) - 1); }
  constexpr heap::SpanClass span_class() const { return static_cast<heap::SpanClass>(v_ >> 38); }
  constexpr uint64_t waste() const { return v_ >> 46 & 0x1fff; }
  constexpr uint64_t raw() const { return v_; }

 private:
  uint64_t v_ = 0;
};

class ObjectTable {
 public:
  ObjectTable() : entries_(kMaxObjects) { entries_.PreferHugePages(); }

  ObjectEntry operator[](uint32_t id) const { return ObjectEntry(entries_[id]); }
  void Set(uint32_t id, ObjectEntry e) { entries_[id] = e.raw(); }
  void Clear(uint32_t id) { entries_[id] = 0; }
  const uint64_t* data() const { return entries_.data(); }
  uint64_t* data() { return entries_.data(); }

 private:
  static constexpr size_t kMaxObjects = size_t{1} << 32;
  heap::VirtualArray<uint64_t> entries_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_OBJECT_TABLE_H_
