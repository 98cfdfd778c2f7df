// The settings that a search varies, as a cube whose sides are 1.
#ifndef HEAPSIM_SIM_POLICIES_SEARCH_SPACE_H_
#define HEAPSIM_SIM_POLICIES_SEARCH_SPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/grid.pb.h"
#include "proto/policy.pb.h"

namespace heapsim::sim {

class SearchSpace {
 public:
  // Errors name `source` and the setting, and say what would be accepted.
  static absl::StatusOr<SearchSpace> Create(absl::string_view source,
                                            absl::Span<const proto::SearchRange> ranges,
                                            const proto::Policy& base);

  size_t dimensions() const { return axes_.size(); }

  // The values nearest to a point, a setting each.
  std::vector<int64_t> ValuesAt(absl::Span<const double> point) const;
  // Where a policy's own values lie; outside of the ranges the nearest place in them.
  std::vector<double> PointOf(const proto::Policy& policy) const;

  // The policy with these values. Fails where they cannot be combined.
  absl::StatusOr<proto::Policy> With(const proto::Policy& policy,
                                     absl::Span<const int64_t> values) const;
  // "gc.percent=57 procs=2".
  std::string Text(absl::Span<const int64_t> values) const;

 private:
  struct Axis {
    std::string path;
    // Values, or exponents of powers of two.
    int64_t min = 0, max = 0;
    bool log_scale = false;
    bool power_of_two = false;
  };

  std::vector<Axis> axes_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_SEARCH_SPACE_H_
