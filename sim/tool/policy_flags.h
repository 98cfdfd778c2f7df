// The flags --policy and --set.
#ifndef HEAPSIM_SIM_TOOL_POLICY_FLAGS_H_
#define HEAPSIM_SIM_TOOL_POLICY_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/policy.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

class PolicyFlags {
 public:
  // several: --policy may be given more than once.
  void AddFlags(CLI::App& app, bool several = false);

  // The policy that the flags describe; of several the one by its place.
  absl::StatusOr<proto::Policy> Load(size_t index = 0) const;
  size_t count() const { return policies_.size(); }

 private:
  std::vector<std::string> policies_ = {"go1.10"};
  std::vector<std::string> settings_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_POLICY_FLAGS_H_
