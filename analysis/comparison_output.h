// A comparison as table, CSV and JSON.
#ifndef HEAPSIM_ANALYSIS_COMPARISON_OUTPUT_H_
#define HEAPSIM_ANALYSIS_COMPARISON_OUTPUT_H_

#include <string>

#include "proto/comparison.pb.h"

namespace heapsim::analysis {

// For a terminal: a table a trace, one over all of them, and what failed.
std::string ComparisonTable(const proto::Comparison& comparison);

// A line a cell, a column a metric; what is unknown is empty.
std::string ComparisonCsv(const proto::Comparison& comparison);

// The message by its fields, the series of the results left out. A line a cell.
std::string ComparisonJson(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_COMPARISON_OUTPUT_H_
