#include "sim/tool/policies_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sim/policies/registry.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

class PoliciesVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("NAME", name_, "a policy's name or a .textproto file: list its settings");
  }

  absl::StatusOr<Exit> Run() override {
    if (name_.empty()) {
      ListPolicies();
      return Exit::kDone;
    }
    absl::StatusOr<proto::Policy> policy = LoadPolicy(name_);
    if (!policy.ok()) return policy.status();
    ListSettingsOf(*policy);
    return Exit::kDone;
  }

 private:
  static void ListPolicies() {
    size_t width = 0;
    for (const proto::Policy& policy : NamedPolicies()) {
      width = std::max(width, policy.name().size());
    }
    for (const proto::Policy& policy : NamedPolicies()) {
      absl::PrintF("%-*s  %s\n", static_cast<int>(width), policy.name(), policy.description());
    }
  }

  static void ListSettingsOf(const proto::Policy& policy) {
    absl::PrintF("# %s: %s\n", policy.name(), policy.description());
    size_t path_width = 0;
    size_t value_width = 0;
    const std::vector<Setting> settings = ListSettings(policy);
    for (const Setting& setting : settings) {
      path_width = std::max(path_width, setting.path.size());
      value_width = std::max(value_width, setting.value.size() + 1 + setting.unit.size());
    }
    for (const Setting& setting : settings) {
      const std::string value =
          setting.unit.empty() ? setting.value : absl::StrCat(setting.value, " ", setting.unit);
      absl::PrintF("%-*s  %-*s  %s\n", static_cast<int>(path_width), setting.path,
                   static_cast<int>(value_width), value, setting.meaning);
      for (const Setting::Choice& choice : setting.choices) {
        absl::PrintF("%-*s    %s: %s\n", static_cast<int>(path_width + value_width + 2), "",
                     choice.name, choice.meaning);
      }
    }
  }

  std::string name_;
};

}  // namespace

std::unique_ptr<Verb> MakePoliciesVerb() { return std::make_unique<PoliciesVerb>(); }

}  // namespace heapsim::sim
