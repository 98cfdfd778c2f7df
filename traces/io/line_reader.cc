#include "traces/io/line_reader.h"

#include <algorithm>
#include <cstring>

namespace heapsim::traces {

absl::Status LineReader::Fill() {
  if (start_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
    end_ -= start_;
    start_ = 0;
  }
  absl::StatusOr<size_t> got = source_.Read(buffer_.data() + end_, buffer_.size() - end_);
  if (!got.ok()) return got.status();
  at_end_ = *got == 0;
  end_ += *got;
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(absl::string_view* line) {
  size_t searched = 0;
  for (;;) {
    const char* from = buffer_.data() + start_ + searched;
    const auto* newline =
        static_cast<const char*>(std::memchr(from, '\n', end_ - start_ - searched));
    size_t length;
    if (newline != nullptr) {
      length = newline - (buffer_.data() + start_);
      terminated_ = true;
    } else {
      searched = end_ - start_;
      if (searched < kMaxLineBytes && !at_end_) {
        if (absl::Status s = Fill(); !s.ok()) return s;
        continue;
      }
      if (searched == 0) return false;
      length = searched;
      terminated_ = false;
    }
    *line = absl::string_view(buffer_.data() + start_, std::min(length, kMaxLineBytes));
    start_ += length + (newline != nullptr);
    ++number_;
    if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
    if (newline != nullptr || at_end_) return true;

    // The rest of an overlong line. The line itself must stay readable: it is kept aside.
    overlong_.assign(line->data(), line->size());
    *line = overlong_;
    for (;;) {
      const auto* end =
          static_cast<const char*>(std::memchr(buffer_.data() + start_, '\n', end_ - start_));
      if (end != nullptr) {
        start_ = end + 1 - buffer_.data();
        terminated_ = true;
        return true;
      }
      start_ = end_;
      if (at_end_) return true;
      if (absl::Status s = Fill(); !s.ok()) return s;
    }
  }
}

}  // namespace heapsim::traces
