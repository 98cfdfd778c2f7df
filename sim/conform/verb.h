// The verb `heapsim conform LOG...`.
#ifndef HEAPSIM_SIM_CONFORM_VERB_H_
#define HEAPSIM_SIM_CONFORM_VERB_H_

#include <ostream>
#include <string>
#include <vector>

#include "sim/conform/conform.h"

namespace heapsim::sim {

// Checks each log and writes a line about it to `out`, with the first mismatch where there is one,
// or to `err` where it is no good log. The exit status: 0 all logs are reproduced, 1 one is not, 2
// one is no good log.
int ConformVerb(const std::vector<std::string>& logs, const ConformOptions& options,
                std::ostream& out, std::ostream& err);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_VERB_H_
