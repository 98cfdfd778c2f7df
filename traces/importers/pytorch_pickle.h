// A snapshot of PyTorch's caching allocator as torch.cuda.memory._dump_snapshot writes it: a Python
// pickle (protocol 2 to 5) of plain dictionaries, lists, tuples, strings and numbers. Opcodes that
// would import or call something are refused.
#ifndef HEAPSIM_TRACES_IMPORTERS_PYTORCH_PICKLE_H_
#define HEAPSIM_TRACES_IMPORTERS_PYTORCH_PICKLE_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class PytorchPickleImporter : public Importer {
 public:
  absl::string_view name() const override { return "pytorch-pickle"; }
  absl::string_view description() const override {
    return "PyTorch CUDA allocator snapshot as pickle; nothing in it is ever executed";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_PYTORCH_PICKLE_H_
