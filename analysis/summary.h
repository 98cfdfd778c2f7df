// A result for a person at a terminal.
#ifndef HEAPSIM_ANALYSIS_SUMMARY_H_
#define HEAPSIM_ANALYSIS_SUMMARY_H_

#include <cstdint>
#include <string>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// Some thirty lines: what ran, the peak and its parts, fragmentation, the system's and the
// collector's counts, what was assumed.
std::string Summary(const proto::Result& result);

// "1,234,567".
std::string WithCommas(uint64_t value);

// "12.3 MiB"; below 1 KiB "123 B".
std::string HumanBytes(double bytes);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_SUMMARY_H_
