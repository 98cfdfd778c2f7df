// The verbs that make traces from traces: slice, merge, loop, scale, anonymize, export, generate.
#ifndef HEAPSIM_SIM_TOOL_TRANSFORM_VERBS_H_
#define HEAPSIM_SIM_TOOL_TRANSFORM_VERBS_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeSliceVerb();
std::unique_ptr<Verb> MakeMergeVerb();
std::unique_ptr<Verb> MakeLoopVerb();
std::unique_ptr<Verb> MakeScaleVerb();
std::unique_ptr<Verb> MakeAnonymizeVerb();
std::unique_ptr<Verb> MakeExportVerb();
std::unique_ptr<Verb> MakeGenerateVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_TRANSFORM_VERBS_H_
