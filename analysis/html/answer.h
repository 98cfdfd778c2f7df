// The answer in a sentence or two, made from the numbers.
#ifndef HEAPSIM_ANALYSIS_HTML_ANSWER_H_
#define HEAPSIM_ANALYSIS_HTML_ANSWER_H_

#include <string>

#include "proto/comparison.pb.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

// "Peak RSS 812.0 MiB, 1.9 times the live bytes; most of the rest, 61 %, is free slots of used
// spans." It says what is known of odd runs too: without events, ended early, without parts.
std::string Answer(const proto::Result& result);

// Which policy needs the least memory, at what cost, how sure that is.
std::string Answer(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_ANSWER_H_
