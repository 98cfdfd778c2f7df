// The command line: finds the verb, parses its flags, turns what came of it into an exit status.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "sim/policies/nearest_names.h"
#include "sim/tool/verb.h"
#include "sim/tool/version.h"

namespace heapsim::sim {
namespace {

int Fail(Exit status, absl::string_view message) {
  // One line whatever a library had to say.
  const std::string line = absl::StrReplaceAll(absl::StripAsciiWhitespace(message), {{"\n", "; "}});
  std::fflush(stdout);
  std::fprintf(stderr, "heapsim: %s\n", line.c_str());
  return static_cast<int>(status);
}

bool IsVerb(absl::string_view name) {
  return absl::c_any_of(Verbs(), [&](const VerbEntry& entry) { return name == entry.name; });
}

int UnknownVerb(const std::string& name) {
  std::vector<std::string> names;
  for (const VerbEntry& entry : Verbs()) names.emplace_back(entry.name);
  return Fail(Exit::kInput,
              absl::StrCat("there is no verb '", name, "'; did you mean ",
                           NearestNames(name, names), "? (`heapsim --help` lists all)"));
}

int Run(int argc, char** argv) {
  CLI::App app("Replays recorded allocation traces through allocators on a simulated machine.",
               "heapsim");
  app.set_version_flag("--version", std::string("heapsim ") + kVersion);
  app.require_subcommand(0, 1);
  app.footer("`heapsim VERB --help` tells the flags of a verb.");

  std::vector<std::pair<CLI::App*, std::unique_ptr<Verb>>> verbs;
  for (const VerbEntry& entry : Verbs()) {
    CLI::App* sub = app.add_subcommand(entry.name, entry.brief);
    if (*entry.brief == '\0') sub->group("");
    verbs.emplace_back(sub, entry.make());
    verbs.back().second->AddFlags(*sub);
  }

  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    return Fail(Exit::kInput, "a verb is missing; `heapsim --help` lists them");
  }
  if (first[0] != '-' && !IsVerb(first)) return UnknownVerb(first);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help and --version
    app.exit(e);
    return static_cast<int>(Exit::kDone);
  } catch (const CLI::ParseError& e) {
    const std::string verb = first[0] == '-' ? "" : first + " ";
    return Fail(Exit::kInput, absl::StrCat(verb.empty() ? "" : first + ": ", e.what(),
                                           "; `heapsim ", verb, "--help` tells what there is"));
  }
  for (const auto& [sub, verb] : verbs) {
    if (!sub->parsed()) continue;
    const absl::StatusOr<Exit> exit = verb->Run();
    if (!exit.ok()) return Fail(Exit::kInput, exit.status().message());
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      return Fail(Exit::kInput, "stdout: cannot be written; check where it leads");
    }
    return static_cast<int>(*exit);
  }
  return Fail(Exit::kInput, "a verb is missing; `heapsim --help` lists them");
}

}  // namespace
}  // namespace heapsim::sim

int main(int argc, char** argv) {
  try {
    return heapsim::sim::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return heapsim::sim::Fail(
        heapsim::sim::Exit::kInput,
        "this machine has not enough memory for the run; take a shorter trace");
  }
}
