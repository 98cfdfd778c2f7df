#include "traces/io/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::traces {
namespace {

constexpr size_t kInputBytes = 128 << 10;

class PlainSource : public DecompressedSource {
 public:
  explicit PlainSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    return source_->Read(buffer, size);
  }

 private:
  const std::unique_ptr<ByteSource> source_;
};

// The packed bytes, a buffer at a time.
class PackedInput {
 public:
  explicit PackedInput(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)), buffer_(kInputBytes, '\0') {}

  // More bytes if all are used; false at the end.
  absl::StatusOr<bool> Fill() {
    if (next_ < end_) return true;
    absl::StatusOr<size_t> got = source_->Read(buffer_.data(), buffer_.size());
    if (!got.ok()) return got.status();
    next_ = 0;
    end_ = *got;
    return end_ > 0;
  }
  const char* data() const { return buffer_.data() + next_; }
  size_t size() const { return end_ - next_; }
  void Use(size_t bytes) { next_ += bytes; }

  // Takes exactly `size` bytes; false when the end comes first.
  absl::StatusOr<bool> Take(size_t size, std::string* out) {
    out->clear();
    while (out->size() < size) {
      absl::StatusOr<bool> more = Fill();
      if (!more.ok() || !*more) return more;
      const size_t step = std::min(this->size(), size - out->size());
      out->append(data(), step);
      Use(step);
    }
    return true;
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t next_ = 0;
  size_t end_ = 0;
};

class ZstdSource : public DecompressedSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> source)
      : input_(std::move(source)), context_(ZSTD_createDStream()) {}
  ~ZstdSource() override { ZSTD_freeDStream(context_); }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    while (size > 0 && !ended_) {
      absl::StatusOr<bool> more = input_.Fill();
      if (!more.ok()) return more.status();
      ZSTD_inBuffer in{input_.data(), input_.size(), 0};
      ZSTD_outBuffer out{buffer, size, 0};
      const size_t rest = ZSTD_decompressStream(context_, &out, &in);
      input_.Use(in.pos);
      if (ZSTD_isError(rest)) {
        damage_ = absl::StrCat("the zstd data are damaged (", ZSTD_getErrorName(rest), ")");
        ended_ = true;
      } else if (!*more && out.pos == 0) {
        if (rest_ != 0) damage_ = "the zstd data end too early";
        ended_ = true;
      } else if (in.pos > 0 || out.pos > 0) {
        rest_ = rest;
      }
      if (out.pos > 0) return out.pos;
    }
    return 0;
  }

 private:
  PackedInput input_;
  ZSTD_DStream* const context_;
  size_t rest_ = 0;  // 0: a frame is over
  bool ended_ = false;
};

class InflateSource : public DecompressedSource {
 public:
  enum class Wrapping { kGzip, kZip };

  InflateSource(std::unique_ptr<ByteSource> source, Wrapping wrapping)
      : input_(std::move(source)), wrapping_(wrapping) {
    // 15: the largest window; +16 gzip's wrapping; negative: none.
    ready_ = inflateInit2(&stream_, wrapping == Wrapping::kGzip ? 15 + 16 : -15) == Z_OK;
  }
  ~InflateSource() override {
    if (ready_) inflateEnd(&stream_);
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (!ready_) return absl::ResourceExhaustedError("zlib has no memory");
    if (wrapping_ == Wrapping::kZip && !started_) {
      if (absl::Status s = ReadZipHeader(); !s.ok()) return s;
    }
    if (stored_) return ReadStored(buffer, size);
    while (size > 0 && !ended_) {
      absl::StatusOr<bool> more = input_.Fill();
      if (!more.ok()) return more.status();
      if (!*more) {
        if (!between_members_) damage_ = absl::StrCat("the ", Name(), " data end too early");
        ended_ = true;
        break;
      }
      between_members_ = false;
      const size_t given = std::min<size_t>(input_.size(), 1 << 30);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
      stream_.avail_in = static_cast<uInt>(given);
      const size_t room = std::min<size_t>(size, 1 << 30);
      stream_.next_out = reinterpret_cast<Bytef*>(buffer);
      stream_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      input_.Use(given - stream_.avail_in);
      const size_t out = room - stream_.avail_out;
      if (wrapping_ == Wrapping::kZip) {
        crc_ = crc32(crc_, reinterpret_cast<const Bytef*>(buffer), static_cast<uInt>(out));
      }
      if (result == Z_STREAM_END) {
        if (wrapping_ == Wrapping::kZip) {
          ended_ = true;
          if (absl::Status s = CheckZipEnd(); !s.ok()) return s;
        } else {
          between_members_ = true;
          inflateReset(&stream_);
        }
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        // Bytes after a whole gzip member that start no other one are padding to gzip itself.
        if (members_ == 0 || wrapping_ == Wrapping::kZip) {
          damage_ = absl::StrCat("the ", Name(), " data are damaged");
        } else {
          damage_ = "the gzip data are followed by something else";
        }
        ended_ = true;
      }
      members_ += result == Z_STREAM_END;
      if (out > 0) return out;
    }
    return 0;
  }

 private:
  const char* Name() const { return wrapping_ == Wrapping::kGzip ? "gzip" : "zip"; }

  static uint32_t Number(const std::string& bytes, size_t at, int size) {
    uint32_t value = 0;
    for (int i = 0; i < size; ++i)
      value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    return value;
  }

  void End(absl::string_view damage) {
    damage_ = std::string(damage);
    ended_ = true;
  }

  absl::Status ReadZipHeader() {
    started_ = true;
    std::string header, skipped;
    absl::StatusOr<bool> whole = input_.Take(30, &header);
    if (!whole.ok()) return whole.status();
    if (!*whole) return End("the zip header ends too early"), absl::OkStatus();
    const uint32_t flags = Number(header, 6, 2);
    const uint32_t method = Number(header, 8, 2);
    has_descriptor_ = flags & 8;
    expected_crc_ = Number(header, 14, 4);
    whole = input_.Take(Number(header, 26, 2) + Number(header, 28, 2), &skipped);
    if (!whole.ok()) return whole.status();
    if (!*whole) return End("the zip header ends too early"), absl::OkStatus();
    if (flags & 1) return End("the zip member is encrypted"), absl::OkStatus();
    if (method == 0 && !has_descriptor_) {
      stored_ = true;
      stored_left_ = Number(header, 18, 4);
    } else if (method != Z_DEFLATED) {
      End(absl::StrCat("the zip member is packed by method ", method, ", not deflate"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> ReadStored(char* buffer, size_t size) {
    if (stored_left_ == 0 || size == 0) return 0;
    absl::StatusOr<bool> more = input_.Fill();
    if (!more.ok()) return more.status();
    if (!*more) {
      damage_ = "the zip data end too early";
      stored_left_ = 0;
      return 0;
    }
    const size_t out = std::min({size, input_.size(), stored_left_});
    std::memcpy(buffer, input_.data(), out);
    input_.Use(out);
    stored_left_ -= out;
    crc_ = crc32(crc_, reinterpret_cast<const Bytef*>(buffer), static_cast<uInt>(out));
    if (stored_left_ == 0) {
      if (absl::Status s = CheckZipEnd(); !s.ok()) return s;
    }
    return out;
  }

  // After the member's data: its checksum, and whether another member follows.
  absl::Status CheckZipEnd() {
    std::string bytes;
    absl::StatusOr<bool> whole = true;
    if (has_descriptor_) {
      // The signature in front of the descriptor is optional.
      whole = input_.Take(4, &bytes);
      if (whole.ok() && *whole && Number(bytes, 0, 4) == 0x08074b50) {
        whole = input_.Take(4, &bytes);
      }
      if (!whole.ok()) return whole.status();
      if (!*whole) return End("the zip data end too early"), absl::OkStatus();
      expected_crc_ = Number(bytes, 0, 4);
      whole = input_.Take(8, &bytes);
    }
    if (expected_crc_ != crc_) {
      damage_ = "the zip member's checksum does not match";
      return absl::OkStatus();
    }
    if (whole.ok() && *whole) whole = input_.Take(4, &bytes);
    if (!whole.ok()) return whole.status();
    if (!*whole) {
      damage_ = "the zip directory is missing";
    } else if (Number(bytes, 0, 4) == 0x04034b50) {
      remark_ = "the zip holds more than one member: only the first is read";
    }
    return absl::OkStatus();
  }

  PackedInput input_;
  const Wrapping wrapping_;
  z_stream stream_ = {};
  bool ready_ = false;
  bool ended_ = false;
  bool between_members_ = false;
  uint64_t members_ = 0;

  // Zip only.
  bool started_ = false;
  bool stored_ = false;
  size_t stored_left_ = 0;
  bool has_descriptor_ = false;
  uint32_t expected_crc_ = 0;
  uLong crc_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DecompressedSource>> Decompress(std::unique_ptr<ByteSource> source) {
  std::string magic(4, '\0');
  absl::StatusOr<size_t> got = ReadFully(*source, magic.data(), magic.size());
  if (!got.ok()) return got.status();
  magic.resize(*got);
  const auto starts_with = [&](absl::string_view prefix) {
    return absl::string_view(magic).substr(0, prefix.size()) == prefix;
  };
  const bool gzip = starts_with("\x1f\x8b");
  const bool zstd = starts_with("\x28\xb5\x2f\xfd");
  const bool zip = starts_with("PK\x03\x04");
  source = PrependSource(std::move(magic), std::move(source));
  if (gzip) {
    return std::make_unique<InflateSource>(std::move(source), InflateSource::Wrapping::kGzip);
  }
  if (zip) return std::make_unique<InflateSource>(std::move(source), InflateSource::Wrapping::kZip);
  if (zstd) return std::make_unique<ZstdSource>(std::move(source));
  return std::make_unique<PlainSource>(std::move(source));
}

}  // namespace heapsim::traces
