// The trace of gperftools' debug allocator (TCMALLOC_TRACE=1).
//
//   malloc|free|realloc <tab> SIZE <tab> POINTER <tab> THREAD <tab> STACK...
//
// A realloc is a free row of the old block, then a realloc row with the new one alone: it counts as
// the two steps that it is written as. For aligned blocks the malloc row has the inner block's
// address and the free row the aligned one, so that their frees are unknown.
#ifndef HEAPSIM_TRACES_IMPORTERS_TCMALLOC_DEBUG_H_
#define HEAPSIM_TRACES_IMPORTERS_TCMALLOC_DEBUG_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class TcmallocDebugImporter : public Importer {
 public:
  absl::string_view name() const override { return "tcmalloc-debug"; }
  absl::string_view description() const override {
    return "gperftools debug tcmalloc trace (TCMALLOC_TRACE); no time, sizes of aligned blocks are "
           "the inner ones";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_TCMALLOC_DEBUG_H_
