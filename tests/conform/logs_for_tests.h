// The logs of the real runtime that this folder ships, for its tests.
#ifndef HEAPSIM_TESTS_CONFORM_LOGS_FOR_TESTS_H_
#define HEAPSIM_TESTS_CONFORM_LOGS_FOR_TESTS_H_

#include <string>
#include <vector>

namespace heapsim::conform_tests {

// Paths, sorted.
std::vector<std::string> LogPaths(const std::string& folder = "tests/conform/testdata");
// The path of one, by its name without folder and endings.
std::string LogPath(const std::string& name);
// The lines of one, without newlines.
std::vector<std::string> LogLines(const std::string& path);
// Writes lines to a plain file in the test's own folder and gives its path.
std::string WriteLog(const std::string& name, const std::vector<std::string>& lines);
std::string WriteBytes(const std::string& name, const std::string& bytes);
std::string ReadBytes(const std::string& path);

}  // namespace heapsim::conform_tests

#endif  // HEAPSIM_TESTS_CONFORM_LOGS_FOR_TESTS_H_
