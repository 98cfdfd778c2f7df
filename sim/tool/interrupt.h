// Ctrl-C as a request to finish early.
#ifndef HEAPSIM_SIM_TOOL_INTERRUPT_H_
#define HEAPSIM_SIM_TOOL_INTERRUPT_H_

#include <atomic>

namespace heapsim::sim {

// From the first call on SIGINT sets the flag that is returned, so that a run ends with what it
// has; a second SIGINT kills the process as usual.
const std::atomic<bool>& CatchInterrupt();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_INTERRUPT_H_
