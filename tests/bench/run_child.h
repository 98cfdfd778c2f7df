// Runs a measuring process and reads the figures that it prints.
#ifndef HEAPSIM_TESTS_BENCH_RUN_CHILD_H_
#define HEAPSIM_TESTS_BENCH_RUN_CHILD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace heapsim::bench {

using Figures = std::map<std::string, double>;

// argv[0] is a path. `preload` becomes LD_PRELOAD where it is not empty. An error where the process
// does not end with status 0; what it has to say is on stderr then. May be called by several
// threads at once.
absl::StatusOr<Figures> RunProcess(const std::vector<std::string>& argv,
                                   const std::string& preload = "");

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_RUN_CHILD_H_
