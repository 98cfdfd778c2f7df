// The objects that the trace has freed and no sweep has found yet: one bit a slot, beside the
// heap's allocation bits.
//
// There are two sets. What is freed before a cycle starts is found dead by that cycle's sweep; what
// is freed later floats to the next. A cycle's start swaps the sets; the one that then takes the
// frees is empty, since the sweep before it has cleared it span by span.
#ifndef HEAPSIM_SIM_REPLAY_DEAD_BITS_H_
#define HEAPSIM_SIM_REPLAY_DEAD_BITS_H_

#include <cstdint>

#include "heap/bit_space.h"
#include "heap/seams.h"
#include "heap/virtual_array.h"

namespace heapsim::sim {

class DeadBits final : public heap::Marker {
 public:
  DeadBits() : words_(2 * heap::kMaxSlotWords) {}

  // The set that frees go to, as an offset to the word pair of a bit.
  uint32_t epoch() const { return epoch_; }
  // Word pairs: of word w of the bit space, the sets are [2 w] and [2 w + 1].
  uint64_t* words() { return words_.data(); }

  void Set(heap::BitIndex bit) { Word(bit) |= Mask(bit); }
  void Clear(heap::BitIndex bit) { Word(bit) &= ~Mask(bit); }
  // Dead in either set.
  bool IsDead(heap::BitIndex bit) const {
    const uint64_t* w = &words_[(bit >> 6) * 2];
    return ((w[0] | w[1]) & Mask(bit)) != 0;
  }
  uint64_t DeadWord(heap::BitIndex bit) const {
    const uint64_t* w = &words_[(bit >> 6) * 2];
    return w[0] | w[1];
  }
  // A tiny block that is current while marking runs is kept: its death, if any, belongs to the next
  // cycle.
  void MoveToCurrent(heap::BitIndex bit) {
    uint64_t& old = words_[(bit >> 6) * 2 + (epoch_ ^ 1)];
    if ((old & Mask(bit)) == 0) return;
    old &= ~Mask(bit);
    Set(bit);
  }

  // A cycle starts; everything must be swept.
  void StartCycle() { epoch_ ^= 1; }

  void Marks(heap::SpanId, uint64_t bits, uint32_t slots, const uint64_t* allocated,
             uint64_t* marks) override {
    uint64_t* w = &words_[(bits >> 6) * 2 + (epoch_ ^ 1)];
    for (uint32_t i = 0; i < (slots + 63) / 64; ++i) {
      marks[i] = allocated[i] & ~w[2 * i];
      w[2 * i] = 0;
    }
  }

 private:
  static uint64_t Mask(heap::BitIndex bit) { return uint64_t{1} << (bit & 63); }
  uint64_t& Word(heap::BitIndex bit) { return words_[(bit >> 6) * 2 + epoch_]; }

  heap::VirtualArray<uint64_t> words_;
  uint32_t epoch_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_DEAD_BITS_H_
