// A trace as flat as it can be, for native allocators: what costs time is to be theirs.
//
//   header, then `events` words (an object id, with the highest bit set: it is freed), then
//   `allocations` sizes, in the order of the allocations. All words are 32 bits of this machine.
#ifndef HEAPSIM_TESTS_BENCH_OP_FILE_H_
#define HEAPSIM_TESTS_BENCH_OP_FILE_H_

#include <cstdint>

namespace heapsim::bench {

struct OpFileHeader {
  uint64_t events;
  uint64_t allocations;
  uint64_t ids;  // all ids lie below
};

inline constexpr uint32_t kOpFree = uint32_t{1} << 31;

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_OP_FILE_H_
