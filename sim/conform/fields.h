// The fields of one log line, read by hand from left to right: no copies, no allocations, nothing
// accepted that the format does not write.
#ifndef HEAPSIM_SIM_CONFORM_FIELDS_H_
#define HEAPSIM_SIM_CONFORM_FIELDS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "sim/conform/stop.h"

namespace heapsim::sim {

class Fields {
 public:
  // Reads `text` from `position` on; each field is one space and its text. Faults are thrown as
  // BadLog at `line`.
  Fields(absl::string_view text, size_t position, uint64_t line)
      : start_(text.data()),
        at_(text.data() + position),
        end_(text.data() + text.size()),
        line_(line) {}

  uint64_t Dec() {
    Space();
    return Digits();
  }

  // A decimal number that may be negative.
  int64_t Signed() {
    Space();
    const bool negative = at_ != end_ && *at_ == '-';
    if (negative) ++at_;
    const uint64_t v = Digits();
    if (v > uint64_t{INT64_MAX}) Bad("a number is too large");
    return negative ? -static_cast<int64_t>(v) : static_cast<int64_t>(v);
  }

  uint64_t Hex() {
    Space();
    uint64_t v = 0;
    const char* first = at_;
    for (; at_ != end_; ++at_) {
      const int d = HexDigit(*at_);
      if (d < 0) break;
      if (v >> 60 != 0) Bad("a number is too large");
      v = v << 4 | static_cast<uint64_t>(d);
    }
    if (at_ == first) Bad("a hexadecimal number is missing");
    return v;
  }

  // 0 or 1.
  bool Bit() {
    Space();
    if (at_ == end_ || (*at_ != '0' && *at_ != '1')) Bad("0 or 1 is missing");
    return *at_++ == '1';
  }

  // Text up to the next space or the line's end.
  absl::string_view Word() {
    Space();
    const char* first = at_;
    while (at_ != end_ && *at_ != ' ') ++at_;
    if (at_ == first) Bad("a field is empty");
    return absl::string_view(first, at_ - first);
  }

  // Takes the next field if it is exactly `word`.
  bool Take(absl::string_view word) {
    const size_t left = static_cast<size_t>(end_ - at_);
    if (left <= word.size() || *at_ != ' ' || absl::string_view(at_ + 1, word.size()) != word ||
        (left > word.size() + 1 && at_[word.size() + 1] != ' ')) {
      return false;
    }
    at_ += word.size() + 1;
    return true;
  }

  bool at_end() const { return at_ == end_; }
  void End() {
    if (at_ != end_) Bad("the line goes on where it should end");
  }
  size_t position() const { return at_ - start_; }
  uint64_t line() const { return line_; }

  [[noreturn]] void Bad(const char* what) const { throw BadLog{line_, what}; }

  // -1: not a lower case hexadecimal digit.
  static int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  }

 private:
  void Space() {
    if (at_ == end_) Bad("the line ends early");
    if (*at_ != ' ') Bad("a field is garbled");
    ++at_;
  }
  uint64_t Digits() {
    uint64_t v = 0;
    const char* first = at_;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
      if (v > (UINT64_MAX - 9) / 10) Bad("a number is too large");
      v = v * 10 + static_cast<uint64_t>(*at_ - '0');
    }
    if (at_ == first) Bad("a number is missing");
    return v;
  }

  const char* start_;
  const char* at_;
  const char* end_;
  uint64_t line_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_CONFORM_FIELDS_H_
