// The bytes of a file, decompressed where it is zstd (recognised by its content). Memory is
// bounded, whatever the file's size.
#ifndef HEAPSIM_SIM_CONFORM_BYTE_SOURCE_H_
#define HEAPSIM_SIM_CONFORM_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

struct ZSTD_DCtx_s;

namespace heapsim::sim {

class ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Up to `capacity` > 0 next bytes; 0 at the end. DataLoss where the compressed data are damaged
  // or end early.
  absl::StatusOr<size_t> Read(char* to, size_t capacity);

 private:
  explicit ByteSource(std::FILE* file) : file_(file) {}
  absl::Status Fill();  // more of the file into in_

  std::FILE* file_;
  ZSTD_DCtx_s* zstd_ = nullptr;  // null: plain
  bool in_frame_ = false;        // a frame is open, so the file may not end here
  std::vector<char> in_;
  size_t in_begin_ = 0, in_end_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_BYTE_SOURCE_H_
