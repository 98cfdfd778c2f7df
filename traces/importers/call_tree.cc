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

uint64_t CallTree::AddressOf(absl::string_view key, bool* is_new) {
  const auto found = places_.find(key);
  *is_new = found == places_.end() && places_.size() < kMaxPlaces;
  if (found != places_.end()) return found->second;
  if (!*is_new) return 0;
  const uint64_t address = places_.size() + 1;
  places_.emplace(std::string(key), address);
  return address;
}

}  // namespace heapsim::traces
