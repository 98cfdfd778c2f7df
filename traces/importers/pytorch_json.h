// A snapshot of PyTorch's caching allocator (torch.cuda.memory._dump_snapshot) turned into JSON:
// { "device_traces": [ [ ENTRY... ], ... ], ... }. Read as a stream.
#ifndef HEAPSIM_TRACES_IMPORTERS_PYTORCH_JSON_H_
#define HEAPSIM_TRACES_IMPORTERS_PYTORCH_JSON_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class PytorchJsonImporter : public Importer {
 public:
  absl::string_view name() const override { return "pytorch-json"; }
  absl::string_view description() const override {
    return "PyTorch CUDA allocator snapshot as JSON; a device is a process, a stream a thread";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_PYTORCH_JSON_H_
