// gzip in one call.
#ifndef HEAPSIM_ANALYSIS_EXPORT_GZIP_H_
#define HEAPSIM_ANALYSIS_EXPORT_GZIP_H_

#include <string>

#include "absl/strings/string_view.h"

namespace heapsim::analysis {

// The same bytes for the same input: no name, no time.
std::string Gzip(absl::string_view bytes);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_GZIP_H_
