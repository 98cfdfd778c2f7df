#include "sim/tool/policy_flags.h"

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sim/policies/combinations.h"
#include "sim/policies/registry.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {

void PolicyFlags::AddFlags(CLI::App& app, bool several) {
  CLI::Option* policy =
      several
          ? app.add_option("--policy", policies_,
                           "a policy's name or a .textproto file (default go1.10; repeatable)")
                ->allow_extra_args(false)
          : app.add_option("--policy", policies_.front(), "a policy's name or a .textproto file")
                ->capture_default_str();
  policy->type_name("NAME|FILE");
  app.add_option("--set", settings_,
                 "changes one setting (repeatable; `heapsim policies NAME` lists them)")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
}

absl::StatusOr<proto::Policy> PolicyFlags::Load(size_t index) const {
  absl::StatusOr<proto::Policy> policy = LoadPolicy(policies_[index]);
  if (!policy.ok()) return policy.status();
  for (const std::string& setting : settings_) {
    if (absl::Status status = ApplySetting(setting, &*policy); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--set: ", status.message()));
    }
  }
  if (absl::Status status = CheckCombination(*policy); !status.ok()) return status;
  return policy;
}

}  // namespace heapsim::sim
