// Explanations for a person at a terminal.
#ifndef HEAPSIM_ANALYSIS_EXPLAIN_OUTPUT_H_
#define HEAPSIM_ANALYSIS_EXPLAIN_OUTPUT_H_

#include <string>

#include "proto/explanation.pb.h"

namespace heapsim::analysis {

std::string ExplanationText(const proto::Explanation& explanation);
std::string ExplanationDiffText(const proto::ExplanationDiff& diff);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPLAIN_OUTPUT_H_
