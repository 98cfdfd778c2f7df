// The problems of MiniMalloc: a CSV of buffers, each with the interval of abstract time in which it
// lives. They become an allocation at `lower` and a free at `upper`; at equal times frees come
// first, then rows in file order. The abstract time is only an order: it is not kept.
#ifndef HEAPSIM_TRACES_IMPORTERS_MINIMALLOC_H_
#define HEAPSIM_TRACES_IMPORTERS_MINIMALLOC_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class MinimallocImporter : public Importer {
 public:
  absl::string_view name() const override { return "minimalloc"; }
  absl::string_view description() const override {
    return "MiniMalloc static-allocation CSV; events are made of its intervals";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_MINIMALLOC_H_
