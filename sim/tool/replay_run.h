// One replay as the command line describes it: the flags of `replay` that say what goes in, shared
// by every verb that runs one.
#ifndef HEAPSIM_SIM_TOOL_REPLAY_RUN_H_
#define HEAPSIM_SIM_TOOL_REPLAY_RUN_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/result.pb.h"
#include "sim/replay/detail_run.h"
#include "sim/tool/policy_flags.h"
#include "sim/tool/repeated_trace.h"
#include "sim/tool/replay_flags.h"
#include "sim/tool/trace_input.h"

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

class ReplayRun {
 public:
  // several_policies: --policy may be given more than once.
  void AddFlags(CLI::App& app, bool several_policies = false);

  // Replays; Ctrl-C ends it early. A simulation that could not go on is a result with `stopped`
  // set, not an error.
  absl::StatusOr<proto::Result> Run();
  // The same with `detail`, through one of several policies. It runs twice.
  absl::StatusOr<proto::Result> RunWithDetail(const DetailRequest& request, size_t policy = 0);
  // Whether the first policy has a heap that can be looked into.
  absl::StatusOr<bool> HasDetail() const;
  size_t policies() const { return policy_.count(); }

  const std::string& trace_path() const { return trace_.path(); }

 private:
  TraceInput trace_;
  RepeatedTrace repeated_{&trace_};
  PolicyFlags policy_;
  ReplayFlags flags_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_REPLAY_RUN_H_
