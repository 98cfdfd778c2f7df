// The allocator history of a PyTorch snapshot, whatever it was stored as.
#ifndef HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_
#define HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "traces/importers/import_sink.h"

namespace heapsim::traces {

// One entry of `device_traces`.
struct PytorchEntry {
  std::string action;
  uint64_t address = 0;
  uint64_t size = 0;
  uint64_t stream = 0;
  bool has_time = false;
  uint64_t time_us = 0;

  // Sets the field of that name, if it is one of the above.
  void SetNumber(absl::string_view name, uint64_t value);
  void SetString(absl::string_view name, absl::string_view value);
};

// Hands an entry over. A device is a process, a stream a thread. A block is free once its free is
// completed; what happens to segments is the allocator's business, not the program's.
void AddPytorchEntry(const PytorchEntry& entry, uint64_t device, ImportSink& sink);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_
