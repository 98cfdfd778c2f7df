// Where bytes go: a file that appears whole or not at all, a string, or a spool.
#ifndef HEAPSIM_TRACES_IO_BYTE_SINK_H_
#define HEAPSIM_TRACES_IO_BYTE_SINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "traces/io/byte_source.h"

namespace heapsim::traces {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
};

class StringSink : public ByteSink {
 public:
  absl::Status Append(absl::string_view bytes) override {
    bytes_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Writes beside `path` and renames at Commit: without it nothing appears. "-" writes to standard
// output at once.
class FileSink : public ByteSink {
 public:
  static absl::StatusOr<std::unique_ptr<FileSink>> Create(const std::string& path);
  ~FileSink() override;
  absl::Status Append(absl::string_view bytes) override;
  absl::Status Commit();

 private:
  FileSink(int fd, std::string path, std::string temporary)
      : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}
  absl::Status Flush();

  int fd_;
  const std::string path_;
  const std::string temporary_;  // empty: standard output
  std::string buffer_;
};

// Keeps what it is given in memory, and from `memory_limit` bytes on in a file without a name, then
// gives it back as a seekable source.
class Spool : public ByteSink {
 public:
  explicit Spool(uint64_t memory_limit = uint64_t{64} << 20) : memory_limit_(memory_limit) {}
  ~Spool() override;
  absl::Status Append(absl::string_view bytes) override;
  // Ends the writing; the source has its own hold on the bytes.
  absl::StatusOr<std::unique_ptr<ByteSource>> Finish();

 private:
  const uint64_t memory_limit_;
  std::string memory_;
  int fd_ = -1;
  uint64_t file_size_ = 0;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IO_BYTE_SINK_H_
