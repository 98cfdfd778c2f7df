// The form of a grid file: what proto::Policy has, each setting as a list, and what proto::Grid
// has.
#ifndef HEAPSIM_SIM_POLICIES_GRID_SCHEMA_H_
#define HEAPSIM_SIM_POLICIES_GRID_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/grid.pb.h"

namespace heapsim::sim {

// A setting and the values that a grid gives it, as --set takes them.
struct GridList {
  std::string path;
  std::vector<std::string> values;
};

struct GridFile {
  proto::Grid grid;             // the fields of its own
  std::vector<GridList> lists;  // in the order of the policy's settings
};

// Reads a grid in text form. Only its form is checked, not the values. Errors name `source` and
// the place in it.
absl::StatusOr<GridFile> ParseGridFile(absl::string_view source, absl::string_view text);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_GRID_SCHEMA_H_
