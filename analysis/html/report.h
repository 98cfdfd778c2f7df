// A result or a comparison as one page that needs nothing else: no network, no other file.
//
// Reading order: report_data.h (what the page knows), page.html (its bones), script/main.js.
#ifndef HEAPSIM_ANALYSIS_HTML_REPORT_H_
#define HEAPSIM_ANALYSIS_HTML_REPORT_H_

#include <string>

#include "proto/comparison.pb.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

// `trace` is what the trace is called, its path.
std::string HtmlReport(const proto::Result& result, const std::string& trace);
std::string HtmlReport(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_REPORT_H_
