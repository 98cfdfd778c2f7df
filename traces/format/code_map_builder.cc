#include "traces/format/code_map_builder.h"

#include <utility>

namespace heapsim::traces {
namespace {

// Far below what a frame may hold.
constexpr size_t kMapBytes = 1 << 20;
// What a module may take.
constexpr size_t kModuleBytes = 48;

}  // namespace

proto::CodeMap& CodeMapBuilder::Current() {
  if (pending_.empty() || pending_bytes_ >= kMapBytes) {
    pending_.emplace_back();
    pending_bytes_ = 0;
    listing_ = false;
  }
  return pending_.back();
}

uint32_t CodeMapBuilder::String(absl::string_view name) {
  name = name.substr(0, kMaxNameBytes);
  if (name.empty()) return 0;
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  const size_t cost = CodeNameBytes(name.size());
  if (used_ + cost > limit_) {
    full_ = true;
    return 0;
  }
  used_ += cost;
  const auto number = static_cast<uint32_t>(numbers_.size() + 1);
  numbers_.emplace(std::string(name), number);
  pending_.back().add_strings(std::string(name));
  pending_bytes_ += cost;
  return number;
}

void CodeMapBuilder::ForgetModules() {
  if (modules_ == 0) return;
  modules_ = 0;
  pending_bytes_ = kMapBytes;  // what was said before holds until now: a map of its own
  Current().set_forget_modules(true);
}

void CodeMapBuilder::AddModule(absl::string_view name, uint64_t begin, uint64_t end,
                               uint64_t bias) {
  if (end <= begin) return;
  proto::CodeMap& map = Current();
  const size_t entries = listing_ ? 1 : modules_ + 1;
  if (modules_ == kMaxModules || module_entries_ + entries > kMaxModuleEntries) {
    full_ = true;
    return;
  }
  ++modules_;
  module_entries_ += entries;
  listing_ = true;
  const uint32_t number = String(name);
  proto::CodeModule* module = map.add_modules();
  module->set_name(number);
  module->set_begin(begin);
  module->set_end(end);
  module->set_bias(bias);
  pending_bytes_ += kModuleBytes;
}

void CodeMapBuilder::AddPlace(absl::Span<const CodeFrame> frames) {
  if (frames.empty()) return;
  const bool named = !frames[0].function.empty() || !frames[0].file.empty();
  // Places take memory in whoever reads them, as names do.
  const size_t cost = CodePlaceBytes(frames.size());
  if (used_ + cost > limit_) {
    full_ = true;
    return;
  }
  used_ += cost;
  proto::CodeMap& map = Current();
  proto::CodePlace place;
  place.set_address(frames[0].address);
  place.set_module(String(frames[0].module));
  if (place.module() != 0 && frames[0].module_offset.has_value()) {
    place.set_module_offset(*frames[0].module_offset);
  }
  if (named || frames.size() > 1) {
    for (const CodeFrame& frame : frames) {
      place.add_function(String(frame.function));
      place.add_file(String(frame.file));
      place.add_line(frame.line);
    }
  }
  *map.add_places() = std::move(place);
  pending_bytes_ += cost;
}

std::vector<proto::CodeMap> CodeMapBuilder::Take() {
  pending_bytes_ = 0;
  listing_ = false;
  return std::exchange(pending_, {});
}

}  // namespace heapsim::traces
