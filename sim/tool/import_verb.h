// `heapsim import INPUT -o OUT.htrace`.
#ifndef HEAPSIM_SIM_TOOL_IMPORT_VERB_H_
#define HEAPSIM_SIM_TOOL_IMPORT_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeImportVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_IMPORT_VERB_H_
