// Synthetic traces, by seed.
#ifndef HEAPSIM_TRACES_GENERATE_H_
#define HEAPSIM_TRACES_GENERATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "traces/block_builder.h"

namespace heapsim::traces {

// Sizes are log-normal, lifetimes log-uniform: most objects die young, some live as long as the
// trace. The defaults are what recorded C++ and interpreter traces look like on average.
struct GenerateOptions {
  uint64_t seed = 1;
  uint64_t events = 1000000;
  // Objects alive at a time, once the trace has warmed up; its first events only build them up.
  uint64_t live_objects = 10000;
  double median_size = 48;  // bytes
  double sigma = 1.1;       // of the size's natural logarithm
  uint64_t max_size = 1 << 20;
};

// InvalidArgument for options that make no sense.
absl::Status CheckGenerateOptions(const GenerateOptions& options);

// Hands the events to `blocks` and flushes it. Needs 24 bytes a live object.
absl::Status Generate(const GenerateOptions& options, BlockBuilder* blocks);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_GENERATE_H_
