// Why RSS is what it is: a snapshot of the heap made into causes and culprits.
#ifndef HEAPSIM_ANALYSIS_EXPLAIN_H_
#define HEAPSIM_ANALYSIS_EXPLAIN_H_

#include <string>

#include "proto/explanation.pb.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

// A cause is named where it is the largest and at least this share of RSS.
inline constexpr double kCauseShare = 0.2;

// Whether a site's live bytes never stop growing: from where it first holds something on, they rise
// in three of four sixteenths of the trace, there are six such at least, and they never fall by
// more than an eighth.
bool NeverStopsGrowing(const proto::CallSite& site);

// `snapshot` is one of the result's.
proto::Explanation Explain(const proto::Result& result, const proto::HeapSnapshot& snapshot);

proto::ExplanationDiff ExplainDiff(const proto::Explanation& before,
                                   const proto::Explanation& after);

// "slots of 112 bytes", "large objects"; told apart by pointers.
std::string ClassName(const proto::SizeClassUse& use);

// Resident bytes of a class's spans.
uint64_t ResidentBytes(const proto::SizeClassUse& use);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPLAIN_H_
