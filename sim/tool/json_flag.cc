#include "sim/tool/json_flag.h"

#include <CLI/CLI.hpp>

namespace heapsim::sim {

void AddJsonFlag(CLI::App& app, std::string* path) {
  // A flag with a default, not an option: an option would take the next word for its value.
  app.add_flag("--json{-}", *path, "print JSON, to stdout or, as --json=FILE, to a file");
}

}  // namespace heapsim::sim
