// How a check ends before the log's end. Thrown from wherever the fault is seen, often deep inside
// the heap's calls to its seams, and caught in CheckLog only.
#ifndef HEAPSIM_SIM_CONFORM_STOP_H_
#define HEAPSIM_SIM_CONFORM_STOP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "heap/units.h"

namespace heapsim::sim {

// The log is no log of this format: it is cut, a field is garbled, an input names what does not
// exist.
struct BadLog {
  uint64_t line;  // from 1
  std::string what;
};

// A determined field, line or absence of a line that the heap does not reproduce.
struct Mismatch {
  uint64_t line;                       // from 1
  std::string expected;                // what the log says
  std::string got;                     // what the heap did
  std::string text;                    // the line
  std::optional<heap::Address> about;  // an address that the difference is about
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_STOP_H_
