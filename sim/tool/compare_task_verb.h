// `heapsim compare-task WORK --task=N`: what `compare --engine=slurm` lets a cluster's tasks do.
#ifndef HEAPSIM_SIM_TOOL_COMPARE_TASK_VERB_H_
#define HEAPSIM_SIM_TOOL_COMPARE_TASK_VERB_H_

#include <memory>

#include "sim/tool/verb.h"

namespace heapsim::sim {

std::unique_ptr<Verb> MakeCompareTaskVerb();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_COMPARE_TASK_VERB_H_
