// The flags that say how a trace is replayed, whatever the trace and the policy.
#ifndef HEAPSIM_SIM_TOOL_REPLAY_FLAGS_H_
#define HEAPSIM_SIM_TOOL_REPLAY_FLAGS_H_

#include "sim/replay/replay.h"

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

class ReplayFlags {
 public:
  // All but --seed, of which a verb may take several.
  void AddFlags(CLI::App& app);
  void AddSeed(CLI::App& app);

  const ReplayOptions& options() const { return options_; }

 private:
  ReplayOptions options_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_REPLAY_FLAGS_H_
