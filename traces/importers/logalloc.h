// Firefox's logalloc: `PID [TID] FUNCTION(ARGUMENTS)[=RESULT]`, with addresses (raw) or slot
// numbers
// `#N` (preprocessed), which are recycled like addresses; 0 is null.
#ifndef HEAPSIM_TRACES_IMPORTERS_LOGALLOC_H_
#define HEAPSIM_TRACES_IMPORTERS_LOGALLOC_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class LogallocImporter : public Importer {
 public:
  absl::string_view name() const override { return "logalloc"; }
  absl::string_view description() const override {
    return "Firefox logalloc log, raw or preprocessed; several processes; no time";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_LOGALLOC_H_
