// The files that the build puts into the binary for the report.
#ifndef HEAPSIM_ANALYSIS_HTML_PAGE_FILES_H_
#define HEAPSIM_ANALYSIS_HTML_PAGE_FILES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace heapsim::analysis {

// One of them by its base name, which must exist.
absl::string_view PageFile(absl::string_view name);

// The scripts and styles of script/ and style/, each kind as one text in the order of the BUILD
// file.
std::string PageScripts();
std::string PageStyles();

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_PAGE_FILES_H_
