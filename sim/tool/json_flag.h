// The flag --json[=FILE].
#ifndef HEAPSIM_SIM_TOOL_JSON_FLAG_H_
#define HEAPSIM_SIM_TOOL_JSON_FLAG_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

// Leaves `*path` empty without the flag, sets it to "-" (standard output) without a value.
void AddJsonFlag(CLI::App& app, std::string* path);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_JSON_FLAG_H_
