// The verb `explain`: why RSS is what it is at a moment.
#ifndef HEAPSIM_SIM_TOOL_EXPLAIN_VERB_H_
#define HEAPSIM_SIM_TOOL_EXPLAIN_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeExplainVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_EXPLAIN_VERB_H_
