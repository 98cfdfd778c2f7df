#include "sim/tool/record_verb.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "sim/tool/trace_input.h"
#include "traces/io/byte_sink.h"
#include "traces/open_trace.h"
#include "traces/recorder/recording.h"

namespace heapsim::sim {
namespace {

constexpr char kLibrary[] = "libheapsim_record.so";
// What a shell says of a command that it cannot start.
constexpr int kCannotStart = 127;

// The library lies where the build puts it, or beside the tool.
absl::StatusOr<std::string> FindLibrary() {
  std::string tool(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", tool.data(), tool.size());
  if (length <= 0) return absl::ErrnoToStatus(errno, "cannot read /proc/self/exe");
  tool.resize(static_cast<size_t>(length));
  const std::string folder = tool.substr(0, tool.rfind('/'));
  for (const char* place : {"/../traces/recorder/", "/", "/../lib/"}) {
    const std::string path = absl::StrCat(folder, place, kLibrary);
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat(kLibrary, " is missing; build it (//traces/recorder:",
                                          kLibrary, ") or put it beside ", tool));
}

// An empty file of a new name that holds the command line's batch.
absl::StatusOr<std::string> StartRecording(const std::string& command) {
  const char* directory = getenv("TMPDIR");
  std::string path = absl::StrCat(directory != nullptr && *directory != '\0' ? directory : "/tmp",
                                  "/heapsim-record-XXXXXX");
  const int fd = mkstemp(path.data());
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  traces::BatchHeader header = {};
  memcpy(header.magic, traces::kCommandMagic, sizeof(header.magic));
  header.count = static_cast<uint32_t>(command.size());
  const std::string bytes =
      std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + command;
  const bool written = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const int error = errno;
  close(fd);
  if (written) return path;
  unlink(path.c_str());
  return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", path));
}

class RecordVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("-o,--output", output_, "the .htrace to write; - for stdout")
        ->type_name("FILE")
        ->required();
    app.add_option("COMMAND", command_, "what to run, after --, with its arguments")->required();
  }

  absl::StatusOr<Exit> Run() override {
    absl::StatusOr<std::unique_ptr<traces::FileSink>> sink = traces::FileSink::Create(output_);
    if (!sink.ok()) return sink.status();
    absl::StatusOr<std::string> library = FindLibrary();
    if (!library.ok()) return library.status();
    absl::StatusOr<std::string> recording = StartRecording(absl::StrJoin(command_, " "));
    if (!recording.ok()) return recording.status();
    const auto cleanup = absl::MakeCleanup([&] { unlink(recording->c_str()); });
    if (absl::Status s = RunCommand(*library, *recording); !s.ok()) return s;

    absl::StatusOr<traces::OpenedTrace> opened =
        traces::OpenTrace(*recording, {.from = "heapsim-record", .copy_to = sink->get()});
    if (!opened.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(command_[0], ": no call was recorded; is it statically linked or set-uid?"));
    }
    for (const std::string& warning : opened->warnings) Warn(warning);
    if (absl::Status s = (*sink)->Commit(); !s.ok()) return s;
    return Exit::kDone;
  }

 private:
  absl::Status RunCommand(const std::string& library, const std::string& recording) const {
    // What else is preloaded stays so.
    const char* others = getenv("LD_PRELOAD");
    const std::string preload =
        others != nullptr && *others != '\0' ? absl::StrCat(library, ":", others) : library;
    std::vector<char*> arguments;
    for (const std::string& word : command_) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    // An interrupt is for the command; what it did until then is recorded.
    void (*const old)(int) = signal(SIGINT, SIG_IGN);
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGINT, old);
      setenv("LD_PRELOAD", preload.c_str(), 1);
      setenv(traces::kRecordToVariable, recording.c_str(), 1);
      execvp(arguments[0], arguments.data());
      _exit(kCannotStart);
    }
    if (child < 0) return absl::ErrnoToStatus(errno, "cannot start a process");
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    signal(SIGINT, old);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kCannotStart) {
      return absl::InvalidArgumentError(absl::StrCat("cannot start ", command_[0]));
    }
    if (WIFSIGNALED(status)) {
      Warn(absl::StrCat(command_[0], " was ended by signal ", WTERMSIG(status),
                        ": its last calls may be missing"));
    } else if (WEXITSTATUS(status) != 0) {
      Warn(absl::StrCat(command_[0], " ended with status ", WEXITSTATUS(status)));
    }
    return absl::OkStatus();
  }

  std::string output_;
  std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Verb> MakeRecordVerb() { return std::make_unique<RecordVerb>(); }

}  // namespace heapsim::sim
