// What a call site is called wherever there is room for a line.
#ifndef HEAPSIM_ANALYSIS_CALL_SITE_NAME_H_
#define HEAPSIM_ANALYSIS_CALL_SITE_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "proto/snapshot.pb.h"

namespace heapsim::analysis {

// Whether a function only hands memory on to its caller: malloc and its kin, operator new, the
// allocators of the C++ and Rust libraries, Go's runtime.mallocgc and what calls it for a program,
// jemalloc's and TCMalloc's own. The list stands in the .cc file.
bool IsAllocatorFrame(absl::string_view name);

// The first frame from inside that is no allocator's; 0 where all are.
int FirstOwnFrame(const proto::CallSite& site);

// A frame by its name without arguments, and "(file.c:12)" behind it where that is known.
std::string FrameText(const proto::CallSite& site, int frame);

// "parse (parse.c:12) < load < main", innermost first, without the allocator's frames and with as
// many as help.
std::string SiteName(const proto::CallSite& site);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_CALL_SITE_NAME_H_
