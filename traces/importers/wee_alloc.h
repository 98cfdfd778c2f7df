// The traces of wee_alloc's tests: one `Alloc(SIZE),` or `Free(INDEX),` a line, where INDEX is the
// ordinal, from 0, of the Alloc line that made the block.
#ifndef HEAPSIM_TRACES_IMPORTERS_WEE_ALLOC_H_
#define HEAPSIM_TRACES_IMPORTERS_WEE_ALLOC_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class WeeAllocImporter : public Importer {
 public:
  absl::string_view name() const override { return "wee-alloc"; }
  absl::string_view description() const override {
    return "wee_alloc test traces (Alloc(SIZE), Free(INDEX)); no threads, time, realloc or "
           "alignment";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_WEE_ALLOC_H_
