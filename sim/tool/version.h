// The version that results name.
#ifndef HEAPSIM_SIM_TOOL_VERSION_H_
#define HEAPSIM_SIM_TOOL_VERSION_H_

namespace heapsim::sim {

// Raised whenever a result can differ from that of the version before for the same trace, policy
// and seed; the head of CHANGELOG.md says why.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_VERSION_H_
