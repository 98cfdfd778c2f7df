// The traces of malloc-bench: one protobuf message for the whole trace, read here as a stream.
//
//   Tracefile { repeated TraceLine lines = 1; uint64 max_simultaneous_allocs = 2; }
//   TraceLine { malloc = 1 { result 1, size 2, alignment 3 }, free = 2 { id 1 },
//               realloc = 3 { result 1, id 2, size 3 }, calloc = 4 { result 1, nmemb 2, size 3 } }
//
// An absent id is a null pointer, id 0 a block. Ids are recycled like addresses.
#ifndef HEAPSIM_TRACES_IMPORTERS_MALLOC_BENCH_PB_H_
#define HEAPSIM_TRACES_IMPORTERS_MALLOC_BENCH_PB_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class MallocBenchPbImporter : public Importer {
 public:
  absl::string_view name() const override { return "malloc-bench-pb"; }
  absl::string_view description() const override {
    return "malloc-bench protobuf trace; no threads or time; frees at its end are made up";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_MALLOC_BENCH_PB_H_
