#include "traces/io/byte_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::traces {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view name) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return absl::ErrnoToStatus(errno, absl::StrCat("writing ", name));
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

// A file whose only name is its descriptor.
absl::StatusOr<int> UnnamedFile() {
  const char* directory = getenv("TMPDIR");
  std::string path = absl::StrCat(directory != nullptr && *directory != '\0' ? directory : "/tmp",
                                  "/heapsim-XXXXXX");
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  unlink(path.c_str());
  return fd;
}

class SpooledSource : public ByteSource {
 public:
  SpooledSource(std::string memory, int fd, uint64_t file_size)
      : memory_(std::move(memory)), fd_(fd), size_(memory_.size() + file_size) {}
  ~SpooledSource() override {
    if (fd_ >= 0) close(fd_);
  }
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    absl::StatusOr<size_t> got = ReadAt(position_, buffer, size);
    if (got.ok()) position_ += *got;
    return got;
  }
  bool seekable() const override { return true; }
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    if (offset < memory_.size()) {
      size = std::min<size_t>(size, memory_.size() - offset);
      std::memcpy(buffer, memory_.data() + offset, size);
      return size;
    }
    if (offset >= size_) return 0;
    for (;;) {
      const ssize_t got = pread(fd_, buffer, size, static_cast<off_t>(offset - memory_.size()));
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return absl::ErrnoToStatus(errno, "reading a temporary file");
    }
  }

 private:
  const std::string memory_;  // the first bytes
  const int fd_;              // the others, or -1
  const uint64_t size_;
  uint64_t position_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FileSink>> FileSink::Create(const std::string& path) {
  if (path == "-") return std::unique_ptr<FileSink>(new FileSink(STDOUT_FILENO, path, ""));
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    // A device or a pipe has no temporary name beside it.
    const int fd =
        S_ISDIR(status.st_mode) ? (errno = EISDIR, -1) : open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
    return std::unique_ptr<FileSink>(new FileSink(fd, path, ""));
  }
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  // mkostemp lets nobody else read; a result is an ordinary file.
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  return std::unique_ptr<FileSink>(new FileSink(fd, path, temporary));
}

FileSink::~FileSink() {
  if (fd_ < 0) return;
  if (fd_ != STDOUT_FILENO) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status FileSink::Flush() {
  absl::Status status = WriteAll(fd_, buffer_, path_);
  buffer_.clear();
  return status;
}

absl::Status FileSink::Append(absl::string_view bytes) {
  buffer_.append(bytes.data(), bytes.size());
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status FileSink::Commit() {
  if (absl::Status status = Flush(); !status.ok()) return status;
  if (fd_ == STDOUT_FILENO) return absl::OkStatus();
  const int closed = close(fd_);
  fd_ = -1;
  if (closed != 0 || (!temporary_.empty() && rename(temporary_.c_str(), path_.c_str()) != 0)) {
    const int error = errno;
    if (!temporary_.empty()) unlink(temporary_.c_str());
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", path_));
  }
  return absl::OkStatus();
}

Spool::~Spool() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Spool::Append(absl::string_view bytes) {
  if (fd_ < 0 && memory_.size() + bytes.size() <= memory_limit_) {
    memory_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  if (fd_ < 0) {
    absl::StatusOr<int> fd = UnnamedFile();
    if (!fd.ok()) return fd.status();
    fd_ = *fd;
  }
  if (absl::Status status = WriteAll(fd_, bytes, "a temporary file"); !status.ok()) return status;
  file_size_ += bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ByteSource>> Spool::Finish() {
  const int fd = fd_;
  fd_ = -1;
  return std::make_unique<SpooledSource>(std::move(memory_), fd, file_size_);
}

}  // namespace heapsim::traces
