// The allocator history of a PyTorch snapshot, whatever it was stored as.
#ifndef HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_
#define HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "traces/importers/call_tree.h"
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

  bool allocates() const { return action == "alloc"; }
  // Sets the field of that name, if it is one of the above.
  void SetNumber(absl::string_view name, uint64_t value);
  void SetString(absl::string_view name, absl::string_view value);
};

// A Python function on the stack of an entry, and the line where it was.
struct PytorchFrame {
  std::string name;
  std::string filename;
  uint64_t line = 0;

  void SetNumber(absl::string_view field, uint64_t value);
  void SetString(absl::string_view field, absl::string_view value);
};

// Takes entries. A device is a process, a stream a thread. A block is free once its free is
// completed; what happens to segments is the allocator's business, not the program's.
class PytorchEvents {
 public:
  // The sink outlives this.
  explicit PytorchEvents(ImportSink* sink) : sink_(*sink) {}

  bool keeps_call_sites() const { return sink_.keep_call_sites(); }
  // The call site of a stack, the innermost frame first. An address that a Python function has not
  // is made up.
  uint32_t CallSite(const std::vector<PytorchFrame>& stack, uint64_t device);
  // `call_site`: 0 where it is not known.
  void Add(const PytorchEntry& entry, uint64_t device, uint32_t call_site);

 private:
  ImportSink& sink_;
  std::map<uint64_t, CallTree> trees_;  // by device
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_PYTORCH_EVENTS_H_
