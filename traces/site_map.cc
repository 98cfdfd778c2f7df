#include "traces/site_map.h"

namespace heapsim::traces {

absl::Status SiteMap::Copy(const TraceReader& reader, SiteTarget* target) {
  const std::vector<CallSite>& all = reader.call_sites();
  // Asked at every event, and there is seldom a new one.
  if (nodes_.size() == all.size()) return absl::OkStatus();
  const CodeNames& names = reader.code_names();
  std::vector<uint64_t> addresses;
  std::vector<uint32_t> parents;
  const auto write = [&]() -> absl::Status {
    for (const proto::CodeMap& map : target->code_.Take()) {
      if (absl::Status s = target->writer_.Code(0, map); !s.ok()) return s;
    }
    absl::Status status = target->writer_.CallSites(0, addresses, parents);
    addresses.clear();
    parents.clear();
    return status;
  };
  while (nodes_.size() < all.size()) {
    const CallSite& site = all[nodes_.size()];
    const auto node = static_cast<uint32_t>(nodes_.size() + 1);
    uint64_t address = uint64_t{target->nodes_} + 1;
    if (names_ == Names::kKeep) {
      address = site.address + shift_;
      const CodeNames::Origin origin = names.OriginOf(node, site.address);
      const auto [told, is_new] = told_.try_emplace(site.address, CodeNames::Origin());
      if (!(told->second == origin)) {
        // What is said of an address must not change under nodes that are still to be written.
        if (!is_new) {
          if (absl::Status s = write(); !s.ok()) return s;
        }
        told->second = origin;
        std::vector<CodeFrame> frames = names.FramesOf(node, site.address);
        for (CodeFrame& frame : frames) frame.address = address;
        target->code_.AddPlace(frames);
      }
    }
    addresses.push_back(address);
    parents.push_back(Find(site.parent));
    nodes_.push_back(++target->nodes_);
  }
  return write();
}

}  // namespace heapsim::traces
