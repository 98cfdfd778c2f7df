#include "sim/conform/line_cursor.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/conform/stop.h"

namespace heapsim::sim {
namespace {

constexpr size_t kBufferBytes = 512 << 10;
// The longest real line is a Z with the marks of 1,024 slots; the longest look ahead is over one
// sweep. Whatever needs a larger buffer is no log.
constexpr size_t kMaxBufferBytes = 16 << 20;

}  // namespace

LineCursor::LineCursor(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
  buffer_.resize(kBufferBytes);
}

absl::StatusOr<std::unique_ptr<LineCursor>> LineCursor::Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = ByteSource::Open(path);
  if (!source.ok()) return source.status();
  std::unique_ptr<LineCursor> cursor(new LineCursor(*std::move(source)));
  try {
    cursor->FindEnd();
  } catch (const BadLog& bad) {
    return absl::DataLossError(absl::StrCat(path, ": line ", bad.line, ": ", bad.what));
  }
  return cursor;
}

bool LineCursor::Refill() {
  if (exhausted_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    end_ -= begin_;
    filled_ -= begin_;
    begin_ = 0;
  }
  if (filled_ == buffer_.size()) {
    if (buffer_.size() >= kMaxBufferBytes) throw BadLog{number_, "a line or block without end"};
    buffer_.resize(buffer_.size() * 2);
  }
  absl::StatusOr<size_t> n = source_->Read(buffer_.data() + filled_, buffer_.size() - filled_);
  if (!n.ok()) throw BadLog{number_, std::string(n.status().message())};
  filled_ += *n;
  exhausted_ = *n == 0;
  return !exhausted_;
}

void LineCursor::FindEnd() {
  size_t from = begin_;
  for (;;) {
    if (from < filled_) {
      const void* newline = std::memchr(buffer_.data() + from, '\n', filled_ - from);
      if (newline != nullptr) {
        end_ = static_cast<const char*>(newline) - buffer_.data();
        return;
      }
    }
    const size_t scanned = filled_ > begin_ ? filled_ - begin_ : 0;
    end_ = begin_;  // Refill keeps it within the buffer
    if (begin_ > filled_) begin_ = end_ = filled_;
    if (!Refill()) {
      end_ = filled_;
      at_end_ = begin_ == end_;
      // The trailer says itself that it is whole.
      if (!at_end_ && buffer_[begin_] != ';') throw BadLog{number_, "the log is cut in this line"};
      return;
    }
    from = begin_ + scanned;
  }
}

std::optional<absl::string_view> LineCursor::Peek(size_t ahead) {
  if (at_end_) return std::nullopt;
  // Distances from begin_, since Refill moves the text.
  size_t line = 0, end = end_ - begin_;
  for (; ahead > 0; --ahead) {
    line = end + 1;
    for (size_t scanned = line;;) {
      const size_t filled = filled_ - begin_;
      const void* newline =
          scanned < filled ? std::memchr(buffer_.data() + begin_ + scanned, '\n', filled - scanned)
                           : nullptr;
      if (newline != nullptr) {
        end = static_cast<const char*>(newline) - buffer_.data() - begin_;
        break;
      }
      if (filled > scanned) scanned = filled;
      if (!Refill()) {
        if (filled_ - begin_ <= line) return std::nullopt;
        end = filled_ - begin_;
        break;
      }
    }
  }
  return absl::string_view(buffer_.data() + begin_ + line, end - line);
}

}  // namespace heapsim::sim
