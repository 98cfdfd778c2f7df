// Settings of a check, for the interface and the drivers below it.
#ifndef HEAPSIM_SIM_CONFORM_OPTIONS_H_
#define HEAPSIM_SIM_CONFORM_OPTIONS_H_

#include <cstdint>

namespace heapsim::sim {

struct ConformOptions {
  // Run the heap's self-check about every so many lines (where no operation is open); 0: never.
  uint64_t self_check_every = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_OPTIONS_H_
