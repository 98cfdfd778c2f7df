#include "analysis/html/bounds.h"

#include "analysis/comparison.h"

namespace heapsim::analysis {

bool IsBound(const proto::Comparison& comparison, absl::string_view policy) {
  for (const proto::Cell& cell : comparison.cells()) {
    if (cell.policy() == policy && cell.has_result()) {
      return cell.result().policy().engine() == proto::ENGINE_IDEAL;
    }
  }
  return false;
}

std::set<std::string> FrontOfAllocators(const proto::Comparison& comparison) {
  proto::Comparison allocators;
  for (const proto::Cell& cell : comparison.cells()) {
    // Ratios are to the first policy, and any will do to order the others by.
    if (IsBound(comparison, cell.policy())) continue;
    proto::Cell* copy = allocators.add_cells();
    copy->set_trace(cell.trace());
    copy->set_policy(cell.policy());
    copy->set_seed(cell.seed());
    copy->set_status(cell.status());
    if (!cell.has_result()) continue;
    *copy->mutable_result()->mutable_memory() = cell.result().memory();
    *copy->mutable_result()->mutable_os() = cell.result().os();
  }
  if (allocators.cells_size() > 0) Summarise(&allocators);
  std::set<std::string> front;
  for (const proto::PolicySummary& row : allocators.summary()) {
    if (row.pareto()) front.insert(row.policy());
  }
  return front;
}

}  // namespace heapsim::analysis
