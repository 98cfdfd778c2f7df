// `heapsim compare TRACE...`: many traces through many policies.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_VERB_H_
#define HEAPSIM_SIM_TOOL_COMPARE_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeCompareVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMPARE_VERB_H_
