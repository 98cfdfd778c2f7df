// Brackets of request sizes, four a doubling: what stands for call sites where a trace has none.
#ifndef HEAPSIM_SIM_REPLAY_SIZE_BRACKET_H_
#define HEAPSIM_SIM_REPLAY_SIZE_BRACKET_H_

#include <bit>
#include <cstdint>

namespace heapsim::sim {

// Up to 32 bytes in steps of 8; then 33..40, 41..48, 49..56, 57..64, 65..80 and so on. Counts
// from 1.
constexpr uint32_t SizeBracket(uint64_t size) {
  if (size <= 8) return 1;
  if (size <= 32) return static_cast<uint32_t>((size + 7) / 8);
  const uint32_t width = static_cast<uint32_t>(std::bit_width(size - 1));
  return 5 + (width - 6) * 4 + static_cast<uint32_t>((size - 1) >> (width - 3) & 3);
}

// The largest size in a bracket.
constexpr uint64_t LargestOfBracket(uint32_t bracket) {
  if (bracket < 5) return bracket * uint64_t{8};
  return (5 + uint64_t{bracket - 5} % 4) << (3 + (bracket - 5) / 4);
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_SIZE_BRACKET_H_
