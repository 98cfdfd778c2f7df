#include "sim/tool/call_frames.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sim/replay/size_bracket.h"

namespace heapsim::sim {
namespace {

// A recursion may be as deep as it likes; nobody reads further.
constexpr int kMaxFrames = 64;

std::string RequestsOf(uint32_t bracket) {
  const uint64_t most = LargestOfBracket(bracket);
  if (bracket == 1) return absl::StrCat("requests of up to ", most, " bytes");
  return absl::StrCat("requests of ", LargestOfBracket(bracket - 1) + 1, " to ", most, " bytes");
}

}  // namespace

void NameFrames(const traces::TraceReader& reader, proto::Detail* detail) {
  const std::vector<traces::CallSite>& sites = reader.call_sites();
  for (proto::CallSite& site : *detail->mutable_call_sites()) {
    if (!detail->has_call_sites()) {
      site.add_frames(RequestsOf(site.id()));
      continue;
    }
    uint32_t node = site.id();
    for (int i = 0; i < kMaxFrames && node != 0 && node <= sites.size(); ++i) {
      site.add_frames(absl::StrCat("0x", absl::Hex(sites[node - 1].address)));
      node = sites[node - 1].parent;
    }
    if (site.frames().empty()) site.add_frames("unknown call site");
  }
}

}  // namespace heapsim::sim
