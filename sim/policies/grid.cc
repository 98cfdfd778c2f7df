#include "sim/policies/grid.h"

#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sim/policies/combinations.h"
#include "sim/policies/grid_schema.h"
#include "sim/policies/registry.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

// Every policy with every value of the setting. `place` begins the errors.
absl::StatusOr<std::vector<proto::Policy>> Multiply(const std::vector<proto::Policy>& policies,
                                                    const GridList& list,
                                                    const std::string& place) {
  if (list.values.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(place, "value is empty; give each value that '",
                                                   list.path,
                                                   "' shall take, as in value: [\"50\", \"100\"]"));
  }
  if (policies.size() * list.values.size() > kMaxGridPolicies) {
    return absl::InvalidArgumentError(absl::StrCat(place, "more than ", kMaxGridPolicies,
                                                   " policies; take fewer values or axes"));
  }
  std::vector<proto::Policy> product;
  for (const proto::Policy& policy : policies) {
    std::set<std::string> seen;
    for (const std::string& value : list.values) {
      if (!seen.insert(value).second) {
        return absl::InvalidArgumentError(absl::StrCat(
            place, "'", list.path, "' is given the value '", value, "' twice; leave one out"));
      }
      const std::string setting = absl::StrCat(list.path, "=", value);
      proto::Policy changed = policy;
      if (absl::Status status = ApplySetting(setting, &changed); !status.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(place, status.message()));
      }
      changed.set_name(absl::StrCat(policy.name(), " ", setting));
      product.push_back(std::move(changed));
    }
  }
  return product;
}

}  // namespace

absl::StatusOr<Grid> ParseGrid(absl::string_view source, absl::string_view text) {
  absl::StatusOr<GridFile> file = ParseGridFile(source, text);
  if (!file.ok()) return file.status();
  Grid grid;
  grid.is_default = file->grid.policy().empty() && file->lists.empty() && file->grid.axis().empty();
  if (file->grid.policy().empty()) file->grid.add_policy("go1.10");
  for (const std::string& name : file->grid.policy()) {
    absl::StatusOr<proto::Policy> policy = LoadPolicy(name);
    if (!policy.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": policy: ", policy.status().message()));
    }
    grid.policies.push_back(*std::move(policy));
  }
  std::vector<std::pair<GridList, std::string>> lists;
  for (GridList& list : file->lists)
    lists.emplace_back(std::move(list), absl::StrCat(source, ": "));
  for (int i = 0; i < file->grid.axis_size(); ++i) {
    const proto::Axis& axis = file->grid.axis(i);
    lists.emplace_back(GridList{axis.path(), {axis.value().begin(), axis.value().end()}},
                       absl::StrCat(source, ": axis ", i + 1, ": "));
  }
  std::set<std::string> paths;
  for (const auto& [list, place] : lists) {
    if (!paths.insert(list.path).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, "'", list.path, "' has values already; put all into one list"));
    }
    absl::StatusOr<std::vector<proto::Policy>> product = Multiply(grid.policies, list, place);
    if (!product.ok()) return product.status();
    grid.policies = *std::move(product);
  }
  for (const proto::Policy& policy : grid.policies) {
    absl::Status status = CheckSettings(policy);
    if (status.ok()) status = CheckCombination(policy);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": policy '", policy.name(), "': ", status.message()));
    }
  }
  for (proto::SearchRange& range : *file->grid.mutable_search()) {
    grid.search.push_back(std::move(range));
  }
  return grid;
}

}  // namespace heapsim::sim
