// The first lines of a log: its version and the machine it was written on.
#ifndef HEAPSIM_SIM_CONFORM_GO110_HEADER_H_
#define HEAPSIM_SIM_CONFORM_GO110_HEADER_H_

#include <string>

#include "heap/span.h"
#include "heap/units.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go110 {

struct Header {
  int level = 0;  // 1: page heap only; 2: objects too
  std::string title;
  heap::ArenaLayout layout;
  heap::Bytes phys_page;
  heap::Bytes chunk;  // the least that the heap grows by
};

// Reads the lines V, I and I2 at the cursor and goes past them. Throws BadLog where something is
// missing or cannot be (a page size that is none ...).
Header ReadHeader(LineCursor& cursor);

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_HEADER_H_
