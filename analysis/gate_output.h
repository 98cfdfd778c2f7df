// A verdict as text, JUnit and Markdown.
#ifndef HEAPSIM_ANALYSIS_GATE_OUTPUT_H_
#define HEAPSIM_ANALYSIS_GATE_OUTPUT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "analysis/gate.h"

namespace heapsim::analysis {

// For a terminal: a line a limit, then why. `subject` says what was judged ("TRACE, policy P").
std::string VerdictText(const Verdict& verdict, absl::string_view subject);

// One test suite, a test case a limit, as CI systems read it.
std::string VerdictJunit(const Verdict& verdict, absl::string_view subject);

// A short table for a comment on a change.
std::string VerdictMarkdown(const Verdict& verdict, absl::string_view subject);

// What --update changes: one line a metric that is in both and differs.
std::string BaselineChanges(const Baseline& before, const Baseline& now);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_GATE_OUTPUT_H_
