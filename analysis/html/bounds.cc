#include "analysis/html/bounds.h"

namespace heapsim::analysis {

bool IsBound(const proto::Comparison& comparison, absl::string_view policy) {
  for (const proto::Cell& cell : comparison.cells()) {
    if (cell.policy() == policy && cell.has_result()) {
      return cell.result().policy().engine() == proto::ENGINE_IDEAL;
    }
  }
  return false;
}

}  // namespace heapsim::analysis
