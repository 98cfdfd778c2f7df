#include "sim/policies/grid.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "proto/grid.pb.h"
#include "sim/policies/registry.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

// Keeps the first error, with its place.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

absl::StatusOr<std::vector<proto::Policy>> ParseGrid(absl::string_view source,
                                                     absl::string_view text) {
  proto::Grid grid;
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  if (!parser.ParseFromString(std::string(text), &grid)) {
    return absl::InvalidArgumentError(absl::StrCat(
        source, ":", errors.text(), " (proto/grid.proto has the fields of a grid file)"));
  }
  if (grid.policy().empty()) grid.add_policy("go1.10");
  std::vector<proto::Policy> policies;
  for (const std::string& name : grid.policy()) {
    absl::StatusOr<proto::Policy> policy = LoadPolicy(name);
    if (!policy.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": policy: ", policy.status().message()));
    }
    policies.push_back(*std::move(policy));
  }
  for (int i = 0; i < grid.axis_size(); ++i) {
    const proto::Axis& axis = grid.axis(i);
    const std::string place = absl::StrCat(source, ": axis ", i + 1, ": ");
    if (axis.value().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, "value is empty; give each value that '", axis.path(),
                       "' shall take, as in value: [\"50\", \"100\"]"));
    }
    if (policies.size() * axis.value_size() > kMaxGridPolicies) {
      return absl::InvalidArgumentError(absl::StrCat(place, "more than ", kMaxGridPolicies,
                                                     " policies; take fewer values or axes"));
    }
    std::vector<proto::Policy> product;
    for (const proto::Policy& policy : policies) {
      for (const std::string& value : axis.value()) {
        const std::string setting = absl::StrCat(axis.path(), "=", value);
        proto::Policy changed = policy;
        if (absl::Status status = ApplySetting(setting, &changed); !status.ok()) {
          return absl::InvalidArgumentError(absl::StrCat(place, status.message()));
        }
        changed.set_name(absl::StrCat(policy.name(), " ", setting));
        product.push_back(std::move(changed));
      }
    }
    policies = std::move(product);
  }
  return policies;
}

}  // namespace heapsim::sim
