// `heapsim record`: runs a command with the recorder preloaded.
#ifndef HEAPSIM_SIM_TOOL_RECORD_VERB_H_
#define HEAPSIM_SIM_TOOL_RECORD_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeRecordVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_RECORD_VERB_H_
