// A place in a log, line by line, with a look ahead. Streams: memory is one buffer, whatever the
// log's size.
#ifndef HEAPSIM_SIM_CONFORM_LINE_CURSOR_H_
#define HEAPSIM_SIM_CONFORM_LINE_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sim/conform/byte_source.h"

namespace heapsim::sim {

class LineCursor {
 public:
  // Stands at the first line. Faults of the file that show later are thrown as BadLog at the line
  // where they are met.
  static absl::StatusOr<std::unique_ptr<LineCursor>> Open(const std::string& path);

  bool at_end() const { return at_end_; }
  // The line without its newline, empty at the end; good until the next Advance or Peek.
  absl::string_view line() const {
    return absl::string_view(buffer_.data() + begin_, end_ - begin_);
  }
  // Of the current line, from 1.
  uint64_t number() const { return number_; }

  // Lines gone past and the current one, without those that tell about the log (V, I, I2, E, ., ;).
  uint64_t events() const { return events_ + IsEvent(); }

  void Advance() {
    events_ += IsEvent();
    begin_ = end_ + 1;
    ++number_;
    FindEnd();
  }

  // The line `ahead` lines after the current one (0: the current one), none behind the log's end.
  // May move the text of the current line.
  std::optional<absl::string_view> Peek(size_t ahead);

 private:
  explicit LineCursor(std::unique_ptr<ByteSource> source);
  void FindEnd();
  bool IsEvent() const {
    if (end_ == begin_) return false;
    switch (buffer_[begin_]) {
      case 'V':
      case 'I':
      case 'E':
      case '.':
      case ';':
        return false;
      default:
        return true;
    }
  }
  // Reads more behind filled_, moving what is still needed to the buffer's front. False at the
  // file's end.
  bool Refill();

  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;  // the current line
  size_t filled_ = 0;           // bytes in the buffer
  uint64_t number_ = 1;
  uint64_t events_ = 0;
  bool at_end_ = false;
  bool exhausted_ = false;  // the source has no more
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_LINE_CURSOR_H_
