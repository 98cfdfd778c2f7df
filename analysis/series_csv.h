// The samples of a result as CSV.
#ifndef HEAPSIM_ANALYSIS_SERIES_CSV_H_
#define HEAPSIM_ANALYSIS_SERIES_CSV_H_

#include <string>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// A line of names, then one line a sample: the columns are the keys of `series` in the JSON. What
// is unknown is empty.
std::string SeriesCsv(const proto::Result& result);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_SERIES_CSV_H_
