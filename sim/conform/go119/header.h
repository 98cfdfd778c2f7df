// The first lines of a log: its version and the machine it was written on.
#ifndef HEAPSIM_SIM_CONFORM_GO119_HEADER_H_
#define HEAPSIM_SIM_CONFORM_GO119_HEADER_H_

#include <cstdint>
#include <string>

#include "heap/units.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go119 {

struct Header {
  std::string title;
  uint64_t procs = 1;  // at the start
  heap::Address base;  // what offsets count from
  heap::Bytes phys_page;
  heap::Bytes huge_page;      // 0: none
  uint64_t mapped_ready = 0;  // bytes at the start
};

// Reads the lines V and I at the cursor and goes past them. Throws BadLog where something is
// missing, cannot be, or is not as in this allocator.
Header ReadHeader(LineCursor& cursor);

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_HEADER_H_
