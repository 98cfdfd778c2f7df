#include "sim/policies/nearest_names.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"

namespace heapsim::sim {
namespace {

// Levenshtein's distance, one row of the table at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// How far `name` is from `known`. Somebody who leaves out a path's head or a name's tail is close.
size_t Distance(absl::string_view name, absl::string_view known) {
  if (!name.empty() && known.find(name) != absl::string_view::npos) return 1;
  return EditDistance(name, known);
}

}  // namespace

std::string NearestNames(absl::string_view name, absl::Span<const std::string> known) {
  constexpr size_t kFew = 6;
  constexpr size_t kShown = 3;
  if (known.size() <= kFew) return absl::StrJoin(known, ", ");
  std::vector<std::pair<size_t, size_t>> ranked;  // distance, place
  for (size_t i = 0; i < known.size(); ++i) {
    const size_t distance = Distance(name, known[i]);
    if (distance <= std::max(name.size(), known[i].size()) / 2) ranked.emplace_back(distance, i);
  }
  if (ranked.empty()) return absl::StrJoin(known, ", ");
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(ranked.size(), kShown));
  return absl::StrJoin(ranked, ", ",
                       [&](std::string* out, const auto& r) { out->append(known[r.second]); });
}

}  // namespace heapsim::sim
