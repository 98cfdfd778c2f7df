#include "traces/importers/pytorch_events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "traces/format/code_names.h"
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

void PytorchFrame::SetNumber(absl::string_view field, uint64_t value) {
  if (field == "line") line = value;
}

void PytorchFrame::SetString(absl::string_view field, absl::string_view value) {
  if (field == "name") name = std::string(value);
  if (field == "filename") filename = std::string(value);
}

uint32_t PytorchEvents::CallSite(const std::vector<PytorchFrame>& stack, uint64_t device) {
  ImportSink::Process& process = sink_.ProcessOf(device);
  CallTree& tree = trees_.try_emplace(process.pid, &sink_, &process).first->second;
  std::vector<uint64_t> addresses;
  // Down from Python the stack is that of the recorder and the allocator, the same for everybody.
  auto first = std::find_if(stack.begin(), stack.end(), [](const PytorchFrame& frame) {
    return absl::EndsWith(frame.filename, ".py");
  });
  if (first == stack.end()) first = stack.begin();
  for (auto at = first; at != stack.end(); ++at) {
    const PytorchFrame& frame = *at;
    CodeFrame code;
    code.function = frame.name;
    if (frame.filename != "??") code.file = frame.filename;
    code.line = static_cast<uint32_t>(std::min<uint64_t>(frame.line, 0xffffffff));
    addresses.push_back(tree.Place(absl::StrCat(frame.name, "\n", frame.filename, "\n", frame.line),
                                   std::move(code)));
  }
  return tree.Node(addresses);
}

void PytorchEvents::Add(const PytorchEntry& entry, uint64_t device, uint32_t call_site) {
  const bool allocates = entry.allocates();
  if (!allocates && entry.action != "free_completed") return;
  ImportSink::Process& process = sink_.ProcessOf(device);
  process.blocks.SetThread(entry.stream);
  if (entry.has_time) process.blocks.SetTime(SaturatedProduct(entry.time_us, 1000));
  if (allocates) {
    if (!trees_.empty()) process.blocks.SetCallSite(call_site);
    process.addresses.Malloc(entry.address, entry.size);
  } else {
    process.addresses.Free(entry.address);
  }
}

}  // namespace heapsim::traces
