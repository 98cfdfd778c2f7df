// heaptrack's interpreted files, its default product: symbols instead of addresses.
//
// A free names only a class of allocations (size and call site), not the block. Which one died is
// unknown; this importer takes the newest of its class, since short lives are the most frequent.
// Live bytes, blocks and their peaks are exact whatever the rule; lifetimes are not. The raw file
// (heaptrack --record-only) has what is missing here.
#ifndef HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_INTERPRETED_H_
#define HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_INTERPRETED_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class HeaptrackInterpretedImporter : public Importer {
 public:
  absl::string_view name() const override { return "heaptrack-interpreted"; }
  absl::string_view description() const override {
    return "heaptrack's default file; a free takes the newest block of its size and call site";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_INTERPRETED_H_
