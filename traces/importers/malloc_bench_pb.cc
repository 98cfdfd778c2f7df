#include "traces/importers/malloc_bench_pb.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

constexpr uint64_t kMaxLineBytes = 256;  // a line has at most four numbers

// The end came within something, or a number has more than 64 bits.
class Reader {
 public:
  explicit Reader(ByteSource& source) : source_(source), buffer_(256 << 10, '\0') {}

  // False at the end of the stream.
  bool Byte(uint8_t* byte) {
    if (next_ == end_) {
      absl::StatusOr<size_t> got = source_.Read(buffer_.data(), buffer_.size());
      if (!got.ok()) status_ = got.status();
      next_ = 0;
      end_ = got.ok() ? *got : 0;
      if (end_ == 0) return false;
    }
    *byte = static_cast<uint8_t>(buffer_[next_++]);
    ++offset_;
    return true;
  }
  bool Varint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte;
      if (!Byte(&byte)) return false;
      *value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool Bytes(size_t size, std::string* bytes) {
    bytes->clear();
    uint8_t byte;
    while (bytes->size() < size) {
      if (!Byte(&byte)) return false;
      bytes->push_back(static_cast<char>(byte));
    }
    return true;
  }
  uint64_t offset() const { return offset_; }
  const absl::Status& status() const { return status_; }

 private:
  ByteSource& source_;
  std::string buffer_;
  size_t next_ = 0;
  size_t end_ = 0;
  uint64_t offset_ = 0;
  absl::Status status_;
};

bool TakeVarint(absl::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < bytes->size() && i < 10; ++i) {
    const uint8_t byte = (*bytes)[i];
    *value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      bytes->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

struct Line {
  uint64_t call = 0;
  bool has[4] = {};
  uint64_t value[4] = {};
  uint64_t Block(int field) const { return has[field] ? value[field] + 1 : 0; }
};

// The numbers of a call's message.
bool ParseNumbers(absl::string_view bytes, Line* line) {
  while (!bytes.empty()) {
    uint64_t tag, value;
    if (!TakeVarint(&bytes, &tag) || (tag & 7) != 0 || !TakeVarint(&bytes, &value)) return false;
    if (tag >> 3 == 0) return false;
    if (tag >> 3 > 3) continue;
    line->has[tag >> 3] = true;
    line->value[tag >> 3] = value;
  }
  return true;
}

bool ParseLine(absl::string_view bytes, Line* line) {
  uint64_t tag, size;
  if (!TakeVarint(&bytes, &tag) || (tag & 7) != 2 || tag >> 3 < 1 || tag >> 3 > 4) return false;
  line->call = tag >> 3;
  return TakeVarint(&bytes, &size) && size == bytes.size() && ParseNumbers(bytes, line);
}

void Apply(const Line& line, IdentityResolver& calls) {
  const uint64_t result = line.Block(1);
  switch (line.call) {
    case 1:
      if (line.has[3]) {
        calls.Memalign(result, line.value[3], line.value[2]);
      } else {
        calls.Malloc(result, line.value[2]);
      }
      break;
    case 2:
      calls.Free(result);
      break;
    case 3:
      calls.Realloc(result, line.Block(2), line.value[3]);
      break;
    case 4:
      calls.Calloc(result, SaturatedProduct(line.value[2], line.value[3]));
      break;
  }
}

}  // namespace

int MallocBenchPbImporter::Sniff(absl::string_view head) const {
  int lines = 0;
  while (!head.empty() && lines < 100) {
    uint64_t tag, size;
    absl::string_view rest = head;
    if (!TakeVarint(&rest, &tag) || !TakeVarint(&rest, &size)) break;
    if (tag == 2 << 3) break;
    Line line;
    if (tag != (1 << 3 | 2) || size > kMaxLineBytes) return 0;
    if (rest.size() < size) break;
    if (!ParseLine(rest.substr(0, size), &line)) return 0;
    ++lines;
    head = rest.substr(size);
  }
  // Few bytes may look like this by chance.
  return lines >= 4 ? 80 : 0;
}

absl::Status MallocBenchPbImporter::Import(ByteSource& source, ImportSink& sink) const {
  IdentityResolver& calls = sink.process().addresses;
  Reader reader(source);
  std::string bytes;
  while (sink.status().ok()) {
    const uint64_t start = reader.offset();
    uint64_t tag, size;
    uint8_t first;
    if (!reader.Byte(&first)) break;  // the regular end
    tag = first;
    bool whole = true;
    if (tag == (1 << 3 | 2)) {
      Line line;
      whole = reader.Varint(&size) && size <= kMaxLineBytes && reader.Bytes(size, &bytes);
      if (whole && ParseLine(bytes, &line)) {
        Apply(line, calls);
        continue;
      }
    } else if (tag == 2 << 3) {
      if (reader.Varint(&size)) continue;
      whole = false;
    }
    if (!reader.status().ok()) break;
    // Without a length there is no way to find the next line.
    sink.Incomplete(absl::StrCat(whole ? "no trace line at byte " : "the trace breaks off at byte ",
                                 start, " of the unpacked file"));
    break;
  }
  return reader.status();
}

}  // namespace heapsim::traces
