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
  void AddFlags(CLI::App& app);

  // The policy that the flags describe.
  absl::StatusOr<proto::Policy> Load() const;

 private:
  std::string policy_ = "go1.10";
  std::vector<std::string> settings_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_POLICY_FLAGS_H_
