#include "traces/importers/pytorch_events.h"

#include "traces/importers/text.h"

namespace heapsim::traces {

void PytorchEntry::SetNumber(absl::string_view name, uint64_t value) {
  if (name == "addr") address = value;
  if (name == "size") size = value;
  if (name == "stream") stream = value;
  if (name == "time_us") {
    has_time = true;
    time_us = value;
  }
}

void PytorchEntry::SetString(absl::string_view name, absl::string_view value) {
  if (name == "action") action = std::string(value);
}

void AddPytorchEntry(const PytorchEntry& entry, uint64_t device, ImportSink& sink) {
  const bool allocates = entry.action == "alloc";
  if (!allocates && entry.action != "free_completed") return;
  ImportSink::Process& process = sink.ProcessOf(device);
  process.blocks.SetThread(entry.stream);
  if (entry.has_time) process.blocks.SetTime(SaturatedProduct(entry.time_us, 1000));
  if (allocates) {
    process.addresses.Malloc(entry.address, entry.size);
  } else {
    process.addresses.Free(entry.address);
  }
}

}  // namespace heapsim::traces
