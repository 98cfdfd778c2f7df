// Checks a log of the real Go runtime: drives the heap that `replay` uses with what the log says
// came from outside, and compares everything else that the log says with what the heap does.
// Comparison stops at the first difference, since nothing behind it could agree.
#ifndef HEAPSIM_SIM_CONFORM_CONFORM_H_
#define HEAPSIM_SIM_CONFORM_CONFORM_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "sim/conform/options.h"

namespace heapsim::sim {

struct ConformReport {
  std::string version;      // of the runtime: "go1.10", "go1.19"
  uint64_t events = 0;      // lines, but those of the header, the ends of dumps and of the log
  uint64_t checked = 0;     // of them, those of which at least one field was compared
  uint64_t mismatches = 0;  // 0 or 1

  // Of the mismatch.
  uint64_t line = 0;         // from 1
  std::string expected;      // what the log says
  std::string got;           // what the heap did
  std::string text;          // the line
  std::string surroundings;  // the heap around the address in question, lines of text; may be empty
};

// `path` is plain or zstd. A log that cannot be read, is cut or garbled, asks for what cannot be or
// checks nothing is InvalidArgument (NotFound where there is no such file), with its path and line
// number.
absl::StatusOr<ConformReport> CheckLog(const std::string& path, const ConformOptions& options = {});

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_CONFORM_H_
