#include "tests/bench/run_child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

extern char** environ;

namespace heapsim::bench {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<Figures> RunProcess(const std::vector<std::string>& argv,
                                   const std::string& preload) {
  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment;
  for (char** e = environ; *e != nullptr; ++e) environment.push_back(*e);
  if (!preload.empty()) environment.push_back("LD_PRELOAD=" + preload);

  int ends[2];
  // Not for children of other threads: they would keep it open.
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ResourceExhaustedError("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid;
  const int error = posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  if (error == 0) {
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
  }
  close(ends[0]);
  if (error != 0) return absl::NotFoundError(absl::StrCat(argv[0], ": cannot be run"));
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) {
    return absl::InternalError(absl::StrCat(argv[0], " failed"));
  }
  Figures figures;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> words = absl::StrSplit(line, ' ');
    double value;
    if (!absl::SimpleAtod(words.second, &value)) {
      return absl::InternalError(absl::StrCat(argv[0], ": no figure: ", line));
    }
    figures[std::string(words.first)] = value;
  }
  return figures;
}

}  // namespace heapsim::bench
