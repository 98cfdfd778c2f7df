#include "traces/importers/call_tree.h"

namespace heapsim::traces {

uint32_t CallTree::Node(absl::Span<const uint64_t> stack) {
  uint32_t node = 0;
  for (size_t i = stack.size(); i-- > 0;) {
    const auto next = static_cast<uint32_t>(nodes_.size() + 1);
    const auto found = nodes_.find({stack[i], node});
    if (found != nodes_.end()) {
      node = found->second;
    } else if (nodes_.size() == kMaxNodes) {
      return node;  // the caller that is known
    } else {
      nodes_.emplace(std::make_pair(stack[i], node), next);
      sink_.AddCallSite(process_, stack[i], node);
      node = next;
    }
  }
  return node;
}

uint64_t CallTree::Place(absl::string_view key, CodeFrame frame) {
  const auto found = places_.find(key);
  if (found != places_.end()) return found->second;
  if (places_.size() == kMaxPlaces) return 0;
  frame.address = places_.size() + 1;
  places_.emplace(std::string(key), frame.address);
  process_.code.AddPlace({&frame, 1});
  return frame.address;
}

}  // namespace heapsim::traces
