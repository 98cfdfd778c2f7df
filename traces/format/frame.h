// The outer layer of a `.htrace` file, version 1: frames under a checksum.
//
//   magic        8 bytes
//   frame        header of 24 bytes, little-endian: kind u32, codec u32, stored bytes u32,
//                raw bytes u32, hash u64; then the stored bytes
//   ...
//   trailer      24 bytes: offset of the last frame (the footer) u64, hash u64, end magic 8 bytes
//
// The hash is XXH3 (64 bits) over the header's first 16 bytes and the stored bytes, seeded with the
// frame's offset, so that frames cannot change places. No byte of the file lies outside of a hash
// or a fixed value, and nothing may follow the trailer.
#ifndef HEAPSIM_TRACES_FORMAT_FRAME_H_
#define HEAPSIM_TRACES_FORMAT_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "traces/io/byte_sink.h"
#include "traces/io/byte_source.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace heapsim::traces {

inline constexpr absl::string_view kFileMagic("\x89HTRACE\n", 8);
inline constexpr absl::string_view kEndMagic("\nHTREND\x1a", 8);

enum class FrameKind : uint32_t {
  kHeader = 1,     // TraceHeader, first
  kEvents = 2,     // EventChunk
  kCallSites = 3,  // CallSiteChunk
  kFooter = 4,     // TraceFooter, last
};

// Raw bytes of a frame, at most: what a reader provides for.
uint32_t MaxRawBytes(FrameKind kind);

class FrameWriter {
 public:
  // `level` is zstd's. Writes the magic with the first frame.
  FrameWriter(ByteSink* sink, int level);
  ~FrameWriter();

  absl::Status Write(FrameKind kind, absl::string_view raw);
  // The stored size `raw` would have, header left out.
  uint64_t StoredSize(absl::string_view raw);
  // After the footer.
  absl::Status WriteTrailer();

  uint64_t offset() const { return offset_; }  // of the next frame
  uint64_t frames() const { return frames_; }

 private:
  // Compresses into buffer_; gives back what to store and sets the codec.
  absl::string_view Compress(absl::string_view raw, uint32_t* codec);

  ByteSink* const sink_;
  const int level_;
  ZSTD_CCtx_s* const context_;
  uint64_t offset_ = 0;
  uint64_t last_frame_ = 0;
  uint64_t frames_ = 0;
  std::string buffer_;
};

class FrameReader {
 public:
  // `name` stands in front of errors. Reads from the start; the source outlives the reader.
  FrameReader(ByteSource* source, std::string name);
  ~FrameReader();

  struct Frame {
    FrameKind kind;
    uint64_t offset;
    absl::string_view raw;  // until the next call
  };
  // The next frame; after the footer, which is checked to be the last thing in the file,
  // OutOfRange.
  absl::StatusOr<Frame> Next();
  // The footer, found through the trailer. Needs a seekable source; Next is not disturbed.
  absl::StatusOr<Frame> Footer();
  // Frames that Next has given out.
  uint64_t frames() const { return frames_; }

  // A DataLoss error: NAME: offset N: what.
  absl::Status Error(uint64_t offset, absl::string_view what) const;

 private:
  absl::Status ReadExactly(uint64_t offset, char* buffer, size_t size, absl::string_view what);
  absl::StatusOr<Frame> ReadFrame(uint64_t offset);
  absl::Status ReadTrailer(uint64_t offset, uint64_t* footer);

  ByteSource* const source_;
  const std::string name_;
  ZSTD_DCtx_s* const context_;
  uint64_t offset_ = 0;
  uint64_t frames_ = 0;
  bool ended_ = false;
  std::string stored_;
  std::string raw_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_FRAME_H_
