#include "sim/native/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sim/native/child_program.h"

namespace heapsim::sim {
namespace {

using native::Answer;
using native::Order;
using native::Outcome;

absl::Status Failed(absl::string_view what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("the process of the real allocator: ", what));
}

// A file without a name, of memory.
int MemoryFile(const char* name) { return memfd_create(name, MFD_CLOEXEC); }

// The child's program, which this one carries with it. It is written once and runs many times.
absl::StatusOr<int> ProgramFile() {
  static const absl::StatusOr<int>* const file =
      new absl::StatusOr<int>([]() -> absl::StatusOr<int> {
        const int fd = MemoryFile("heapsim-native");
        if (fd < 0) return Failed("memfd_create");
        absl::string_view text = ChildProgram()[0].text;
        while (!text.empty()) {
          const ssize_t n = write(fd, text.data(), text.size());
          if (n < 0 && errno == EINTR) continue;
          if (n <= 0) return Failed("its program cannot be written");
          text.remove_prefix(static_cast<size_t>(n));
        }
        return fd;
      }());
  return *file;
}

// The environment, in which only the library asked for is preloaded.
std::vector<std::string> Environment(const NativeAllocator& allocator) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "LD_PRELOAD=")) all.emplace_back(*variable);
  }
  if (allocator.preload) all.push_back(absl::StrCat("LD_PRELOAD=", allocator.library));
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The last line of a file, for messages.
std::string LastLine(int fd) {
  std::string text(4096, '\0');
  const off_t end = lseek(fd, 0, SEEK_END);
  const off_t begin =
      end > static_cast<off_t>(text.size()) ? end - static_cast<off_t>(text.size()) : 0;
  const ssize_t n = pread(fd, text.data(), text.size(), begin);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  std::string last;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    last = std::string(line);
  }
  return last;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NativeChild>> NativeChild::Start(const NativeAllocator& allocator,
                                                                bool huge_pages) {
  std::unique_ptr<NativeChild> child(new NativeChild(allocator));
  if (absl::Status status = child->Spawn(huge_pages); !status.ok()) return status;
  absl::StatusOr<Answer> answer = child->Receive();
  if (!answer.ok()) return answer.status();
  if (answer->outcome == Outcome::kAbsent) {
    return absl::NotFoundError(
        absl::StrCat("the library ", allocator.library,
                     " is not installed on this machine; install the package ", allocator.package));
  }
  child->version_ = answer->text;
  return child;
}

absl::Status NativeChild::Spawn(bool huge_pages) {
  const absl::StatusOr<int> program = ProgramFile();
  if (!program.ok()) return program.status();
  errors_ = MemoryFile("heapsim-native-errors");
  const int memory = MemoryFile("heapsim-native-calls");
  const int table = MemoryFile("heapsim-native-objects");
  int sockets[2] = {-1, -1};
  const bool paired = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0;
  socket_ = sockets[0];
  const absl::Cleanup close_ours = [&] {
    for (const int fd : {memory, table, sockets[1]}) {
      if (fd >= 0) close(fd);
    }
  };
  if (errors_ < 0 || memory < 0 || table < 0 || !paired) return Failed("no file for it");
  if (ftruncate(memory, sizeof(native::Shared)) != 0) return Failed("no memory for its calls");
  void* shared =
      mmap(nullptr, sizeof(native::Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (shared == MAP_FAILED) return Failed("no memory for its calls");
  shared_ = static_cast<native::Shared*>(shared);

  // Moved out of the way of the places where the child looks for them.
  constexpr int kHigh = 16;
  std::vector<int> high;
  const absl::Cleanup close_high = [&] {
    for (const int fd : high) {
      if (fd >= 0) close(fd);
    }
  };
  for (const int fd : {errors_, sockets[1], memory, table, *program}) {
    high.push_back(fcntl(fd, F_DUPFD_CLOEXEC, kHigh));
    if (high.back() < 0) return Failed("no file for it");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, high[0], STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, high[1], native::kSocketFd);
  posix_spawn_file_actions_adddup2(&actions, high[2], native::kSharedFd);
  posix_spawn_file_actions_adddup2(&actions, high[3], native::kTableFd);
  std::vector<std::string> arguments = {"heapsim-native", allocator_.library,
                                        huge_pages ? "allowed" : "never"};
  std::vector<std::string> environment = Environment(allocator_);
  const std::string path = absl::StrCat("/proc/self/fd/", high[4]);
  // At the same addresses in every run: whether tcmalloc's heap reaches into one more part of its
  // page map, of 2 MiB, depends on them. Only this thread asks, and where the system refuses, runs
  // differ.
  const int before = personality(0xffffffff);
  personality(static_cast<unsigned long>(before) | ADDR_NO_RANDOMIZE);
  const int error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, Pointers(arguments).data(),
                                Pointers(environment).data());
  personality(static_cast<unsigned long>(before));
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return absl::OkStatus();
  pid_ = -1;
  errno = error;
  return Failed("it cannot be started");
}

NativeChild::~NativeChild() {
  if (socket_ >= 0) close(socket_);
  if (pid_ > 0) {
    // In the middle of an order it would not see that nobody listens any more.
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (errors_ >= 0) close(errors_);
  if (shared_ != nullptr) munmap(shared_, sizeof(native::Shared));
}

absl::Status NativeChild::Died() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  const std::string said = LastLine(errors_);
  return absl::AbortedError(
      absl::StrCat("the process of the real allocator ",
                   WIFSIGNALED(status) ? absl::StrCat("was ended by signal ", WTERMSIG(status),
                                                      " (", strsignal(WTERMSIG(status)), ")")
                                       : absl::StrCat("ended with status ", WEXITSTATUS(status)),
                   said.empty() ? "" : ": ", said));
}

absl::StatusOr<Answer> NativeChild::Receive() {
  Answer answer;
  ssize_t got;
  do {
    got = recv(socket_, &answer, sizeof answer, MSG_WAITALL);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof answer) return Died();
  answer.text[sizeof answer.text - 1] = '\0';
  if (answer.outcome == Outcome::kBroken) {
    return absl::AbortedError(absl::StrCat("the process of the real allocator: ", answer.text));
  }
  return answer;
}

absl::StatusOr<NativeChild::Result> NativeChild::Run(uint32_t n, native::TouchModel touch,
                                                     uint32_t objects) {
  if (pid_ <= 0) return absl::FailedPreconditionError("the process has ended");
  const Order order = {n, touch, objects};
  if (send(socket_, &order, sizeof order, MSG_NOSIGNAL) != sizeof order) return Died();
  absl::StatusOr<Answer> answer = Receive();
  if (!answer.ok()) return answer.status();
  Result result;
  result.readings = absl::MakeConstSpan(shared_->readings, answer->readings);
  result.no_memory = answer->outcome == Outcome::kNoMemory;
  result.call = answer->call;
  return result;
}

}  // namespace heapsim::sim
