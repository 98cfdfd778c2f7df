// What each number means: the rows of docs/metrics.md, which the build puts into the binary.
#ifndef HEAPSIM_ANALYSIS_HTML_EXPLANATIONS_H_
#define HEAPSIM_ANALYSIS_HTML_EXPLANATIONS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace heapsim::analysis {

struct Explanation {
  std::string name;     // "memory.peak_rss_bytes"
  std::string section;  // the heading it stands under
  std::string unit, meaning, beware;
};

// The rows of every table in a text like docs/metrics.md whose first cell is a name in backquotes.
std::vector<Explanation> ParseExplanations(absl::string_view markdown);

// Those of docs/metrics.md.
const std::vector<Explanation>& Explanations();

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_EXPLANATIONS_H_
