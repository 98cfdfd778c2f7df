#include "analysis/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::analysis {
namespace {

absl::Status Unwritable(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": cannot be written: ", why, "; check that its folder exists and may be written to"));
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string target, std::string temporary, int fd)
    : path_(std::move(path)),
      target_(std::move(target)),
      temporary_(std::move(temporary)),
      fd_(fd) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this == &other) return *this;
  Discard();
  path_ = std::move(other.path_);
  target_ = std::move(other.target_);
  temporary_ = std::move(other.temporary_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

OutputFile::~OutputFile() { Discard(); }

void OutputFile::Discard() {
  if (fd_ < 0) return;
  close(fd_);
  fd_ = -1;
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::StatusOr<OutputFile> OutputFile::Create(absl::string_view path) {
  const std::string name(path);
  if (name.empty()) return Unwritable("''", "the name is empty");
  if (name == "-") return OutputFile("standard output", "", "", dup(STDOUT_FILENO));
  std::error_code error;
  const auto kind = std::filesystem::status(name, error).type();
  if (kind == std::filesystem::file_type::directory) return Unwritable(name, "it is a folder");
  if (kind != std::filesystem::file_type::not_found &&
      kind != std::filesystem::file_type::regular && kind != std::filesystem::file_type::none) {
    const int fd = open(name.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return Unwritable(name, strerror(errno));
    return OutputFile(name, name, "", fd);
  }
  // A link stays a link: what it leads to is replaced.
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(name, error);
  const std::string target = error ? name : resolved.string();
  if (access(target.c_str(), F_OK) == 0 && access(target.c_str(), W_OK) != 0) {
    return Unwritable(name, strerror(errno));
  }
  const std::string temporary = absl::StrCat(target, ".part-", getpid());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return Unwritable(name, strerror(errno));
  return OutputFile(name, target, temporary, fd);
}

absl::Status OutputFile::Commit(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      Discard();
      return Unwritable(path_, strerror(error));
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (temporary_.empty()) {
    Discard();
    return absl::OkStatus();
  }
  // Some file systems tell of a full disk only here.
  if (close(std::exchange(fd_, -1)) != 0 || rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    return Unwritable(path_, strerror(error));
  }
  return absl::OkStatus();
}

}  // namespace heapsim::analysis
