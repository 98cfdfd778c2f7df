// A verb of the command line: `heapsim VERB [flags] ARGS`.
#ifndef HEAPSIM_SIM_TOOL_VERB_H_
#define HEAPSIM_SIM_TOOL_VERB_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace CLI {
class App;
}  // namespace CLI

namespace heapsim::sim {

// The exit status of the tool.
enum class Exit : int {
  kDone = 0,
  kNo = 1,          // the answer is "no": a limit broken, a mismatch found, one cell of many failed
  kInput = 2,       // the input or the call is wrong
  kSimulation = 3,  // the simulation could not go on
};

class Verb {
 public:
  virtual ~Verb() = default;

  // Declares flags and arguments, which fill the verb's fields.
  virtual void AddFlags(CLI::App& app) = 0;

  // Does it. Results go to stdout, warnings to stderr. An error is Exit::kInput: its message is one
  // line that says what, where and what to do.
  virtual absl::StatusOr<Exit> Run() = 0;
};

struct VerbEntry {
  const char* name;
  const char* brief;  // for the list in --help, in which a verb without one does not appear
  std::unique_ptr<Verb> (*make)();
};

// All verbs, in the order of the list in --help.
absl::Span<const VerbEntry> Verbs();

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_VERB_H_
