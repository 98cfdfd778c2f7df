// Which events of a batch allocate and which free, and sums weighted by where they stand.
#ifndef HEAPSIM_SIM_REPLAY_POSITIONS_H_
#define HEAPSIM_SIM_REPLAY_POSITIONS_H_

#include <cstddef>
#include <cstdint>

namespace heapsim::sim {

// Lists the positions of the `count` events from bit `begin` of a bitmap on, from 0, those whose
// bit is clear to `clear` and those whose bit is set to `set`, and returns how many were clear.
// Both lists need room for kPositionSlack more than `count`.
inline constexpr uint32_t kPositionSlack = 64;
uint32_t ListPositions(const uint64_t* bitmap, uint32_t begin, uint32_t count, uint16_t* clear,
                       uint16_t* set);

// The sum of values, and of each times what is left from its position to `last`. `at` needs room
// for kPositionSlack more than `n`, as lists have it; what stands there does not matter.
struct WeightedSum {
  uint64_t plain = 0, weighted = 0;
};
WeightedSum SumWeighted(const uint32_t* values, const uint16_t* at, size_t n, uint32_t last);

// The ways to do it on this machine, slowest first: they agree, and a test sees to it.
struct PositionCode {
  const char* name;
  decltype(&ListPositions) list;
  decltype(&SumWeighted) sum;
};
// Ends with an entry without a name.
const PositionCode* PositionCodes();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_POSITIONS_H_
