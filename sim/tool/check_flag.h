// The flag --check=every:N: the heap checks itself while it works.
#ifndef HEAPSIM_SIM_TOOL_CHECK_FLAG_H_
#define HEAPSIM_SIM_TOOL_CHECK_FLAG_H_

#include <cstdint>

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

// Sets `*every` to N where the flag is given.
void AddCheckFlag(CLI::App& app, uint64_t* every);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CHECK_FLAG_H_
