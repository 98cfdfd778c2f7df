// `heapsim replay TRACE`.
#ifndef HEAPSIM_SIM_TOOL_REPLAY_VERB_H_
#define HEAPSIM_SIM_TOOL_REPLAY_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeReplayVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_REPLAY_VERB_H_
