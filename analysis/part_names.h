// The parts of RSS as people call them, in the order in which they are shown.
#ifndef HEAPSIM_ANALYSIS_PART_NAMES_H_
#define HEAPSIM_ANALYSIS_PART_NAMES_H_

#include <array>
#include <cstdint>
#include <utility>

#include "proto/parts.pb.h"

namespace heapsim::analysis {

inline std::array<std::pair<const char*, uint64_t>, 9> NamedParts(const proto::Parts& parts) {
  return {{
      {"live objects", parts.live_resident_bytes()},
      {"rounding inside slots", parts.internal_bytes()},
      {"dead, not yet swept", parts.dead_bytes()},
      {"free slots of used spans", parts.span_slack_bytes()},
      {"free pages", parts.free_pages_bytes()},
      {"stacks, work buffers", parts.manual_bytes()},
      {"the allocator's own tables", parts.metadata_bytes()},
      {"lazily freed", parts.lazyfree_bytes()},
      {"other", parts.other_bytes()},
  }};
}

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_PART_NAMES_H_
