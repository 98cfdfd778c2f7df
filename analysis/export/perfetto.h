// Results as a trace for Perfetto's viewer.
#ifndef HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_
#define HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_

#include <string>

#include "proto/comparison.pb.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

// A process named after the trace (`trace` is its path) and the policy. Its tracks: counters of
// RSS, with its parts below it, and of live bytes (from the series); slices of the collector's mark
// phases and sweeps and of what is given back, and of no length of releases that were asked for and
// of being out of memory (from the marks). What never occurs has no track. Which run this is stands
// in the trace's attributes.
std::string PerfettoTrace(const proto::Result& result, const std::string& trace);

// A process for each cell that has a result, all from time 0 on: to be laid side by side.
std::string PerfettoTrace(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_
