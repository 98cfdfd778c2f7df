#include "traces/format/frame.h"

#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::traces {
namespace {

constexpr size_t kHeaderBytes = 24;
constexpr size_t kTrailerBytes = 24;
constexpr uint32_t kStored = 0;
constexpr uint32_t kZstd = 1;
// A pipe tells no size: memory for a frame grows with what really comes.
constexpr size_t kReadStep = 1 << 20;

template <typename T>
void Put(T value, char* out) {
  for (size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * i));
}

template <typename T>
T Get(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= T{static_cast<uint8_t>(in[i])} << (8 * i);
  return value;
}

uint64_t Hash(uint64_t offset, absl::string_view a, absl::string_view b) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset_withSeed(state, offset);
  XXH3_64bits_update(state, a.data(), a.size());
  XXH3_64bits_update(state, b.data(), b.size());
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

}  // namespace

uint32_t MaxRawBytes(FrameKind kind) {
  switch (kind) {
    case FrameKind::kHeader:
      return 1 << 20;
    case FrameKind::kEvents:
    case FrameKind::kCallSites:
      return 16 << 20;
    case FrameKind::kFooter:
      return 256 << 20;
  }
  return 0;
}

FrameWriter::FrameWriter(ByteSink* sink, int level)
    : sink_(sink), level_(level), context_(ZSTD_createCCtx()) {}

FrameWriter::~FrameWriter() { ZSTD_freeCCtx(context_); }

absl::string_view FrameWriter::Compress(absl::string_view raw, uint32_t* codec) {
  buffer_.resize(ZSTD_compressBound(raw.size()));
  const size_t size =
      ZSTD_compressCCtx(context_, buffer_.data(), buffer_.size(), raw.data(), raw.size(), level_);
  // What barely shrinks is read faster as it is.
  if (ZSTD_isError(size) || size + size / 32 >= raw.size()) {
    *codec = kStored;
    return raw;
  }
  *codec = kZstd;
  return absl::string_view(buffer_).substr(0, size);
}

uint64_t FrameWriter::StoredSize(absl::string_view raw) {
  uint32_t codec;
  return Compress(raw, &codec).size();
}

absl::Status FrameWriter::Write(FrameKind kind, absl::string_view raw) {
  if (raw.size() > MaxRawBytes(kind)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a frame of ", raw.size(), " bytes is too large for a .htrace"));
  }
  if (offset_ == 0) {
    if (absl::Status s = sink_->Append(kFileMagic); !s.ok()) return s;
    offset_ = kFileMagic.size();
  }
  uint32_t codec;
  const absl::string_view stored = Compress(raw, &codec);
  char header[kHeaderBytes];
  Put(static_cast<uint32_t>(kind), header);
  Put(codec, header + 4);
  Put(static_cast<uint32_t>(stored.size()), header + 8);
  Put(static_cast<uint32_t>(raw.size()), header + 12);
  Put(Hash(offset_, absl::string_view(header, 16), stored), header + 16);
  if (absl::Status s = sink_->Append(absl::string_view(header, kHeaderBytes)); !s.ok()) return s;
  if (absl::Status s = sink_->Append(stored); !s.ok()) return s;
  last_frame_ = offset_;
  offset_ += kHeaderBytes + stored.size();
  ++frames_;
  return absl::OkStatus();
}

absl::Status FrameWriter::WriteTrailer() {
  char trailer[kTrailerBytes];
  Put(last_frame_, trailer);
  Put(Hash(offset_, absl::string_view(trailer, 8), kEndMagic), trailer + 8);
  std::memcpy(trailer + 16, kEndMagic.data(), 8);
  return sink_->Append(absl::string_view(trailer, kTrailerBytes));
}

FrameReader::FrameReader(ByteSource* source, std::string name)
    : source_(source), name_(std::move(name)), context_(ZSTD_createDCtx()) {}

FrameReader::~FrameReader() { ZSTD_freeDCtx(context_); }

absl::Status FrameReader::Error(uint64_t offset, absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(name_, ": damaged .htrace at offset ", offset, ": ", what,
                                          "; make or fetch the file again"));
}

absl::Status FrameReader::ReadExactly(uint64_t offset, char* buffer, size_t size,
                                      absl::string_view what) {
  absl::StatusOr<size_t> got = source_->seekable() ? ReadFullyAt(*source_, offset, buffer, size)
                                                   : ReadFully(*source_, buffer, size);
  if (!got.ok()) return got.status();
  if (*got < size) return Error(offset + *got, absl::StrCat("the file ends within ", what));
  return absl::OkStatus();
}

absl::StatusOr<FrameReader::Frame> FrameReader::ReadFrame(uint64_t offset) {
  char header[kHeaderBytes];
  if (absl::Status s = ReadExactly(offset, header, kHeaderBytes, "a frame's header"); !s.ok()) {
    return s;
  }
  const auto kind = static_cast<FrameKind>(Get<uint32_t>(header));
  const uint32_t codec = Get<uint32_t>(header + 4);
  const uint32_t stored_size = Get<uint32_t>(header + 8);
  const uint32_t raw_size = Get<uint32_t>(header + 12);
  if (MaxRawBytes(kind) == 0) return Error(offset, "a frame of an unknown kind");
  if (codec != kStored && codec != kZstd) return Error(offset, "a frame of an unknown codec");
  if (raw_size > MaxRawBytes(kind) || stored_size > raw_size ||
      (codec == kStored && stored_size != raw_size)) {
    return Error(offset, "a frame of an impossible size");
  }
  const uint64_t start = offset + kHeaderBytes;
  stored_.clear();
  while (stored_.size() < stored_size) {
    const size_t have = stored_.size();
    const size_t step = std::min<size_t>(kReadStep, stored_size - have);
    stored_.resize(have + step);
    if (absl::Status s = ReadExactly(start + have, stored_.data() + have, step, "a frame");
        !s.ok()) {
      return s;
    }
  }
  if (Hash(offset, absl::string_view(header, 16), stored_) != Get<uint64_t>(header + 16)) {
    return Error(offset, "a frame's checksum does not match");
  }
  if (codec == kStored) return Frame{kind, offset, stored_};
  raw_.resize(raw_size);
  const size_t size =
      ZSTD_decompressDCtx(context_, raw_.data(), raw_size, stored_.data(), stored_.size());
  if (ZSTD_isError(size) || size != raw_size) return Error(offset, "a frame does not unpack");
  return Frame{kind, offset, raw_};
}

absl::Status FrameReader::ReadTrailer(uint64_t offset, uint64_t* footer) {
  char trailer[kTrailerBytes];
  if (absl::Status s = ReadExactly(offset, trailer, kTrailerBytes, "the trailer"); !s.ok()) {
    return s;
  }
  if (absl::string_view(trailer + 16, 8) != kEndMagic ||
      Hash(offset, absl::string_view(trailer, 8), kEndMagic) != Get<uint64_t>(trailer + 8)) {
    return Error(offset, "the trailer is not one");
  }
  *footer = Get<uint64_t>(trailer);
  return absl::OkStatus();
}

absl::StatusOr<FrameReader::Frame> FrameReader::Next() {
  if (ended_) return absl::OutOfRangeError("the trace is over");
  if (offset_ == 0) {
    char magic[8];
    if (absl::Status s = ReadExactly(0, magic, 8, "the magic"); !s.ok()) return s;
    if (absl::string_view(magic, 8) != kFileMagic) return Error(0, "not a .htrace file");
    offset_ = kFileMagic.size();
  }
  absl::StatusOr<Frame> frame = ReadFrame(offset_);
  if (!frame.ok()) return frame;
  if ((frames_ == 0) != (frame->kind == FrameKind::kHeader)) {
    return Error(offset_, "the header is not the first frame");
  }
  offset_ += kHeaderBytes + stored_.size();
  ++frames_;
  if (frame->kind != FrameKind::kFooter) return frame;

  uint64_t footer;
  if (absl::Status s = ReadTrailer(offset_, &footer); !s.ok()) return s;
  if (footer != frame->offset) return Error(offset_, "the trailer points elsewhere");
  offset_ += kTrailerBytes;
  char more;
  absl::StatusOr<size_t> got =
      source_->seekable() ? source_->ReadAt(offset_, &more, 1) : source_->Read(&more, 1);
  if (!got.ok()) return got.status();
  if (*got != 0) return Error(offset_, "bytes after the end");
  ended_ = true;
  return frame;
}

absl::StatusOr<FrameReader::Frame> FrameReader::Footer() {
  const uint64_t size = source_->size();
  if (size < kFileMagic.size() + kHeaderBytes + kTrailerBytes) {
    return Error(size, "the file is too short");
  }
  uint64_t footer;
  if (absl::Status s = ReadTrailer(size - kTrailerBytes, &footer); !s.ok()) return s;
  if (footer < kFileMagic.size() || footer >= size - kTrailerBytes) {
    return Error(size - kTrailerBytes, "the trailer points outside");
  }
  absl::StatusOr<Frame> frame = ReadFrame(footer);
  if (!frame.ok()) return frame;
  if (frame->kind != FrameKind::kFooter) return Error(footer, "the trailer points elsewhere");
  if (footer + kHeaderBytes + stored_.size() != size - kTrailerBytes) {
    return Error(footer, "the footer does not end at the trailer");
  }
  return frame;
}

}  // namespace heapsim::traces
