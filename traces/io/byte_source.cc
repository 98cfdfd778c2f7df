#include "traces/io/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::traces {
namespace {

absl::Status ErrnoStatus(int error, absl::string_view what) {
  return absl::ErrnoToStatus(error, what);
}

class FdSource : public ByteSource {
 public:
  FdSource(int fd, bool owned, bool seekable, uint64_t size, std::string name)
      : fd_(fd), owned_(owned), seekable_(seekable), size_(size), name_(std::move(name)) {}
  ~FdSource() override {
    if (owned_) close(fd_);
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (seekable_) {
      absl::StatusOr<size_t> got = ReadAt(position_, buffer, size);
      if (got.ok()) position_ += *got;
      return got;
    }
    for (;;) {
      const ssize_t got = read(fd_, buffer, size);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return ErrnoStatus(errno, absl::StrCat("reading ", name_));
    }
  }

  bool seekable() const override { return seekable_; }
  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    for (;;) {
      const ssize_t got = pread(fd_, buffer, size, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return ErrnoStatus(errno, absl::StrCat("reading ", name_));
    }
  }

 private:
  const int fd_;
  const bool owned_;
  const bool seekable_;
  const uint64_t size_;
  const std::string name_;
  uint64_t position_ = 0;
};

class StringViewSource : public ByteSource {
 public:
  explicit StringViewSource(absl::string_view bytes) : bytes_(bytes) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    absl::StatusOr<size_t> got = ReadAt(position_, buffer, size);
    position_ += *got;
    return got;
  }
  bool seekable() const override { return true; }
  uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    if (offset >= bytes_.size()) return 0;
    size = std::min<size_t>(size, bytes_.size() - offset);
    std::memcpy(buffer, bytes_.data() + offset, size);
    return size;
  }

 private:
  const absl::string_view bytes_;
  uint64_t position_ = 0;
};

class JoinedSource : public ByteSource {
 public:
  JoinedSource(std::string head, std::unique_ptr<ByteSource> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (position_ == head_.size()) return rest_->Read(buffer, size);
    size = std::min(size, head_.size() - position_);
    std::memcpy(buffer, head_.data() + position_, size);
    position_ += size;
    return size;
  }

 private:
  const std::string head_;
  size_t position_ = 0;
  const std::unique_ptr<ByteSource> rest_;
};

}  // namespace

absl::StatusOr<size_t> ByteSource::ReadAt(uint64_t, char*, size_t) {
  return absl::UnimplementedError("this source cannot seek");
}

absl::StatusOr<size_t> ReadFully(ByteSource& source, char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    absl::StatusOr<size_t> got = source.Read(buffer + done, size - done);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    done += *got;
  }
  return done;
}

absl::StatusOr<size_t> ReadFullyAt(ByteSource& source, uint64_t offset, char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    absl::StatusOr<size_t> got = source.ReadAt(offset + done, buffer + done, size - done);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    done += *got;
  }
  return done;
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path) {
  const bool standard_input = path == "-";
  const int fd = standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("cannot open ", path));
  struct stat status;
  if (fstat(fd, &status) != 0) {
    const int error = errno;
    if (!standard_input) close(fd);
    return ErrnoStatus(error, absl::StrCat("cannot open ", path));
  }
  if (S_ISDIR(status.st_mode)) {
    if (!standard_input) close(fd);
    return absl::FailedPreconditionError(absl::StrCat(path, " is a directory"));
  }
  // Standard input may stand in the middle of a file: it is read as a stream.
  const bool seekable = S_ISREG(status.st_mode) && !standard_input;
  return std::make_unique<FdSource>(fd, !standard_input, seekable,
                                    seekable ? static_cast<uint64_t>(status.st_size) : 0,
                                    standard_input ? "standard input" : path);
}

std::unique_ptr<ByteSource> MemorySource(absl::string_view bytes) {
  return std::make_unique<StringViewSource>(bytes);
}

std::unique_ptr<ByteSource> PrependSource(std::string head, std::unique_ptr<ByteSource> rest) {
  return std::make_unique<JoinedSource>(std::move(head), std::move(rest));
}

}  // namespace heapsim::traces
