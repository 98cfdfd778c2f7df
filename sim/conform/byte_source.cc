#include "sim/conform/byte_source.h"

#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace heapsim::sim {
namespace {

constexpr size_t kInputBytes = 256 << 10;
constexpr unsigned char kZstdMagic[4] = {0x28, 0xb5, 0x2f, 0xfd};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::unique_ptr<ByteSource> source(new ByteSource(file));
  source->in_.resize(kInputBytes);
  if (absl::Status status = source->Fill(); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  }
  if (source->in_end_ >= sizeof(kZstdMagic) &&
      std::memcmp(source->in_.data(), kZstdMagic, sizeof(kZstdMagic)) == 0) {
    source->zstd_ = ZSTD_createDCtx();
  }
  return source;
}

ByteSource::~ByteSource() {
  ZSTD_freeDCtx(zstd_);
  std::fclose(file_);
}

absl::Status ByteSource::Fill() {
  in_begin_ = 0;
  in_end_ = std::fread(in_.data(), 1, in_.size(), file_);
  if (in_end_ == 0 && std::ferror(file_)) {
    return absl::UnavailableError(absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> ByteSource::Read(char* to, size_t capacity) {
  for (;;) {
    if (in_begin_ == in_end_) {
      if (absl::Status status = Fill(); !status.ok()) return status;
      if (in_end_ == 0 && !in_frame_) return 0;
    }
    if (zstd_ == nullptr) {
      const size_t n = std::min(capacity, in_end_ - in_begin_);
      std::memcpy(to, in_.data() + in_begin_, n);
      in_begin_ += n;
      return n;
    }
    ZSTD_inBuffer in = {in_.data(), in_end_, in_begin_};
    ZSTD_outBuffer out = {to, capacity, 0};
    const size_t left = ZSTD_decompressStream(zstd_, &out, &in);
    if (ZSTD_isError(left)) {
      return absl::DataLossError(
          absl::StrCat("the compressed data are damaged: ", ZSTD_getErrorName(left)));
    }
    in_begin_ = in.pos;
    in_frame_ = left != 0;
    if (out.pos > 0) return out.pos;
    // Without input only what the decompressor still holds can come.
    if (in_end_ == 0 && in_frame_) return absl::DataLossError("the compressed data end early");
  }
}

}  // namespace heapsim::sim
