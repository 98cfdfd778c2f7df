// What the report's scripts read: one JSON object. script/data.js is its reader and says what the
// fields are for.
#ifndef HEAPSIM_ANALYSIS_HTML_REPORT_DATA_H_
#define HEAPSIM_ANALYSIS_HTML_REPORT_DATA_H_

#include <nlohmann/json.hpp>
#include <string>

#include "proto/comparison.pb.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

nlohmann::ordered_json ReportData(const proto::Result& result, const std::string& trace);
nlohmann::ordered_json ReportData(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_REPORT_DATA_H_
