#include "sim/tool/conform_verb.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/conform/verb.h"
#include "sim/tool/check_flag.h"

namespace heapsim::sim {
namespace {

class ConformVerbFlags : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("LOG", logs_, "logs of the real Go runtime, plain or zstd")->required();
    AddCheckFlag(app, &options_.self_check_every);
  }

  absl::StatusOr<Exit> Run() override {
    int status = 0;
    for (const std::string& log : logs_) {
      std::ostringstream errors;
      status = std::max(status, ConformVerb({log}, options_, std::cout, errors));
      if (!errors.str().empty()) std::cerr << "heapsim: " << errors.str();
    }
    return static_cast<Exit>(status);
  }

 private:
  std::vector<std::string> logs_;
  ConformOptions options_;
};

}  // namespace

std::unique_ptr<Verb> MakeConformVerb() { return std::make_unique<ConformVerbFlags>(); }

}  // namespace heapsim::sim
