// What `heapsim record` leaves behind (traces/recorder/recording.h).
#ifndef HEAPSIM_TRACES_IMPORTERS_HEAPSIM_RECORD_H_
#define HEAPSIM_TRACES_IMPORTERS_HEAPSIM_RECORD_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class HeapsimRecordImporter : public Importer {
 public:
  absl::string_view name() const override { return "heapsim-record"; }
  absl::string_view description() const override {
    return "heapsim's own recorder (heapsim record); several processes, everything but call sites";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_HEAPSIM_RECORD_H_
