// heaptrack's raw recordings (formats 1 to 3, and interpreted ones of format 0, which look the
// same to this importer): addresses, a call tree, a clock of 10 ms and the RSS.
//
// One record a line, told by its first character, numbers in hexadecimal. Threads, alignment,
// realloc (it is a free and an allocation), free(NULL) and failed calls are not recorded.
#ifndef HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_RAW_H_
#define HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_RAW_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class HeaptrackRawImporter : public Importer {
 public:
  absl::string_view name() const override { return "heaptrack-raw"; }
  absl::string_view description() const override {
    return "heaptrack --record-only, formats 1 to 3; no threads, alignment or realloc";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_RAW_H_
