// A snapshot of the heap as pprof knows heap profiles.
#ifndef HEAPSIM_ANALYSIS_EXPORT_PPROF_H_
#define HEAPSIM_ANALYSIS_EXPORT_PPROF_H_

#include <string>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// What each call site holds at the peak of RSS: inuse_space, inuse_objects, pinned_pages and
// wasted_space, all but the objects in bytes; a profile.proto packed by gzip. Without a sample
// where the result has no snapshot of the peak.
std::string PprofProfile(const proto::Result& result);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_PPROF_H_
