// The settings of a policy: the fields of proto::Policy by path, as `--set` takes them, `policies`
// lists them and results record them. All of it is read from the message's descriptor and the
// options beside its fields (proto/setting.proto).
#ifndef HEAPSIM_SIM_POLICIES_SETTINGS_H_
#define HEAPSIM_SIM_POLICIES_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

struct Setting {
  std::string path;   // "gc.bg_sweep_ns"
  std::string value;  // in force: as set, or the default
  std::string unit;   // empty where there is none
  std::string meaning;
  struct Choice {
    std::string name;
    std::string meaning;
  };
  std::vector<Choice> choices;  // what the value may be; empty for numbers
};

// In the order of the message.
std::vector<Setting> ListSettings(const proto::Policy& policy);

// Applies "path=value". Integers of unit bytes may end in KiB, MiB, GiB or TiB, those of unit ns
// may be durations ("5m", "100us"); choices are named as ListSettings does, in any case. The policy
// is unchanged and the error says what would be accepted when the path or the value is none.
absl::Status ApplySetting(absl::string_view assignment, proto::Policy* policy);

// Checks every value against its range. An error names the path and the range.
absl::Status CheckSettings(const proto::Policy& policy);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_SETTINGS_H_
