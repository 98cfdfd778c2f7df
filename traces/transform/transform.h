// From traces to traces. Each function reads its sources to their end and writes a `.htrace`, whose
// facts are counted anew; the caller commits the sink. Errors are those of readers and sink, and
// InvalidArgument for options that make no sense.
#ifndef HEAPSIM_TRACES_TRANSFORM_TRANSFORM_H_
#define HEAPSIM_TRACES_TRANSFORM_TRANSFORM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "traces/format/trace_reader.h"
#include "traces/generate.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

struct SliceOptions {
  // Event numbers from 1, both within the slice. A `last` past the trace's end means its end.
  uint64_t first = 1;
  uint64_t last = ~uint64_t{0};
  // What was alive before `first` stands in front, one malloc each (memalign where it was aligned),
  // so that the slice starts from the heap as it was. Without it the frees of such objects are
  // frees of unknown pointers.
  bool keep_live = true;
};
absl::Status SliceTrace(TraceReader& reader, const SliceOptions& options, ByteSink* sink);

// All sources as one process, with threads kept apart. Events are ordered by time where every
// source has it, else in equal shares: each source is spread evenly over the result. At equal
// places the earlier source comes first.
absl::Status MergeTraces(const std::vector<TraceReader*>& readers, ByteSink* sink);

struct LoopOptions {
  uint64_t rounds = 2;
  // What is alive at the end of a round is freed there, in order of allocation; else it stays, and
  // the heap grows by it every round.
  bool free_at_end = true;
};
// `open` gives a fresh reader of the same trace for every round.
absl::Status LoopTrace(const std::function<absl::StatusOr<std::unique_ptr<TraceReader>>()>& open,
                       const LoopOptions& options, ByteSink* sink);

struct ScaleOptions {
  double sizes = 1;     // every size is multiplied and rounded up; 0 stays 0
  double time = 1;      // every time is multiplied
  uint32_t copies = 1;  // every event happens so many times, to so many objects
};
absl::Status ScaleTrace(TraceReader& reader, const ScaleOptions& options, ByteSink* sink);

// Drops what could tell whose trace it is: program, command line, notes, process id, addresses and
// names of call sites (their tree stays). Sizes, times and order remain: they are what is
// simulated.
absl::Status AnonymizeTrace(TraceReader& reader, ByteSink* sink);

// A synthetic trace.
absl::Status GenerateTrace(const GenerateOptions& options, ByteSink* sink);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_TRANSFORM_TRANSFORM_H_
