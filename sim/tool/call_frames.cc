#include "sim/tool/call_frames.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analysis/demangle.h"
#include "sim/replay/size_bracket.h"
#include "traces/format/code_names.h"

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
    bool has_files = false, has_symbols = false;
    uint32_t node = site.id();
    while (site.frames_size() < kMaxFrames && node != 0 && node <= sites.size()) {
      const traces::CallSite& call = sites[node - 1];
      for (const traces::CodeFrame& frame : reader.code_names().FramesOf(node, call.address)) {
        if (site.frames_size() == kMaxFrames) break;
        const std::string symbol = frame.Name();
        site.add_frames(analysis::DemangledName(symbol));
        const bool mangled = site.frames(site.frames_size() - 1) != symbol;
        site.add_frame_symbols(mangled ? symbol : "");
        has_symbols = has_symbols || mangled;
        site.add_frame_files(frame.file);
        site.add_frame_lines(frame.line);
        has_files = has_files || !frame.file.empty();
      }
      node = call.parent;
    }
    if (!has_files) {
      site.clear_frame_files();
      site.clear_frame_lines();
    }
    if (!has_symbols) site.clear_frame_symbols();
    if (site.frames().empty()) site.add_frames("unknown call site");
  }
}

}  // namespace heapsim::sim
