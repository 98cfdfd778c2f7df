#include "sim/policies/registry.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "sim/policies/combinations.h"
#include "sim/policies/nearest_names.h"
#include "sim/policies/policy_files.h"
#include "sim/policies/settings.h"
#include "sim/policies/text_message.h"

namespace heapsim::sim {
namespace {

constexpr absl::string_view kSuffix = ".textproto";

std::string BaseName(absl::string_view path) {
  return std::string(
      absl::StripSuffix(std::filesystem::path(std::string(path)).filename().string(), kSuffix));
}

}  // namespace

absl::StatusOr<proto::Policy> ParsePolicy(absl::string_view source, absl::string_view text) {
  proto::Policy policy;
  if (absl::Status status = ParseTextMessage(
          source, text, "proto/policy.proto has the fields of a policy file", &policy);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckSettings(policy); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": ", status.message()));
  }
  if (absl::Status status = CheckCombination(policy); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": ", status.message()));
  }
  if (!policy.has_name()) policy.set_name(BaseName(source));
  return policy;
}

const std::vector<proto::Policy>& NamedPolicies() {
  static const auto* policies = [] {
    auto* list = new std::vector<proto::Policy>;
    for (const EmbeddedFile& file : PolicyFiles()) {
      absl::StatusOr<proto::Policy> policy = ParsePolicy(file.name, file.text);
      if (!policy.ok()) {
        // A file of the source tree is wrong; a test builds the list, so no user gets here.
        std::fprintf(stderr, "heapsim: %s\n", policy.status().ToString().c_str());
        std::abort();
      }
      list->push_back(*std::move(policy));
    }
    std::sort(list->begin(), list->end(),
              [](const auto& a, const auto& b) { return a.name() < b.name(); });
    return list;
  }();
  return *policies;
}

absl::StatusOr<proto::Policy> LoadPolicy(absl::string_view name_or_file) {
  std::vector<std::string> names;
  for (const proto::Policy& policy : NamedPolicies()) {
    if (policy.name() == name_or_file) return policy;
    names.push_back(policy.name());
  }
  const std::string path(name_or_file);
  std::error_code error;
  if (!absl::EndsWith(path, kSuffix) && !std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat("no policy is called '", path, "'; did you mean ",
                                            NearestNames(path, names), "? (a file's name ends in ",
                                            kSuffix, ")"));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file || std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": the policy file cannot be read; check path and permissions"));
  }
  return ParsePolicy(path, text);
}

}  // namespace heapsim::sim
