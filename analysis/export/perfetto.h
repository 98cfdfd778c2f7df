// A result as a trace for Perfetto's viewer.
#ifndef HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_
#define HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_

#include <string>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// A process named after the policy, with a counter track for live bytes, RSS and each of its parts
// (from the series), a track of slices for collections and one for sweeps, and one of instants:
// scavenges, releases, out of memory (from the marks).
std::string PerfettoTrace(const proto::Result& result);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_PERFETTO_H_
