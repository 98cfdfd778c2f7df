// `heapsim check TRACE`: holds a replay to limits, for CI.
#ifndef HEAPSIM_SIM_TOOL_CHECK_VERB_H_
#define HEAPSIM_SIM_TOOL_CHECK_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeCheckVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CHECK_VERB_H_
