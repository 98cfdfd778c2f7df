// Where bytes come from: a file, a pipe, memory.
#ifndef HEAPSIM_TRACES_IO_BYTE_SOURCE_H_
#define HEAPSIM_TRACES_IO_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace heapsim::traces {

// A stream of bytes, and more where the thing below allows.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to `size` bytes (at least one unless the end is reached or `size` is 0) into `buffer`
  // and gives back how many. Errors name the file.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size) = 0;

  // Whether size and ReadAt work. ReadAt does not move the place that Read is at.
  virtual bool seekable() const { return false; }
  // Bytes in all.
  virtual uint64_t size() const { return 0; }
  // As Read, from `offset`.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size);
};

// Reads until `size` bytes are there or the end comes; gives back how many.
absl::StatusOr<size_t> ReadFully(ByteSource& source, char* buffer, size_t size);
absl::StatusOr<size_t> ReadFullyAt(ByteSource& source, uint64_t offset, char* buffer, size_t size);

// Opens a file; "-" is standard input. Seekable if it is a regular file. NotFound, PermissionDenied
// or FailedPrecondition (a directory) name the path.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path);

// Bytes in memory, which the caller keeps alive.
std::unique_ptr<ByteSource> MemorySource(absl::string_view bytes);

// Puts bytes that were already read back in front of the rest of their stream.
std::unique_ptr<ByteSource> PrependSource(std::string head, std::unique_ptr<ByteSource> rest);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IO_BYTE_SOURCE_H_
