// What the bench measures of this project, each in a process of its own, so that its memory and
// its caches are its own too. Results go to stdout as "name value" lines.
#ifndef HEAPSIM_TESTS_BENCH_CHILDREN_H_
#define HEAPSIM_TESTS_BENCH_CHILDREN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace heapsim::bench {

struct ChildTask {
  // make:     writes `trace` (a .htrace) and `ops` (op_file.h) of a synthetic trace
  // memory:   replays decoded blocks in memory, on one core
  // file:     replays from the .htrace, decoding in a second thread
  // decode:   reads the .htrace: checksum, zstd, columns, ids
  // columns:  the same without checksum and zstd
  // messages: one protobuf message an event
  // import:   reads the trace as a malloc-lab .rep and as mtrace's text
  // sites:    replays from the .htrace with call sites and times, looking at the heap at its peak
  // steady:   replays a synthetic trace made on the way, whose making is not counted; all such
  //           processes keep to the same processor
  std::string name;
  std::string trace, ops;
  std::string policy = "go1.10";
  uint64_t events = 0;
  uint32_t live_objects = 0;
};

absl::Status RunChild(const ChildTask& task);

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_CHILDREN_H_
