// Reading numbers and fields out of a line of text.
#ifndef HEAPSIM_TRACES_IMPORTERS_TEXT_H_
#define HEAPSIM_TRACES_IMPORTERS_TEXT_H_

#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"

namespace heapsim::traces {

// The whole of `text` as a number; false if it is none or exceeds 64 bits. No sign, no blanks.
inline bool ParseDecimal(absl::string_view text, uint64_t* value) {
  uint64_t number = 0;
  for (const char c : text) {
    const uint32_t digit = static_cast<uint8_t>(c) - uint32_t{'0'};
    if (digit > 9 || number > (std::numeric_limits<uint64_t>::max() - digit) / 10) return false;
    number = number * 10 + digit;
  }
  *value = number;
  return !text.empty();
}

// As above, hexadecimal in either case, without a prefix.
inline bool ParseHex(absl::string_view text, uint64_t* value) {
  if (text.empty() || text.size() > 16) return false;
  uint64_t number = 0;
  for (const char c : text) {
    uint32_t digit = static_cast<uint8_t>(c) - uint32_t{'0'};
    if (digit > 9) {
      digit = (static_cast<uint8_t>(c) | 0x20) - uint32_t{'a'} + 10;
      if (digit < 10 || digit > 15) return false;
    }
    number = number << 4 | digit;
  }
  *value = number;
  return true;
}

// Hexadecimal with the prefix 0x, as pointers are printed.
inline bool ParsePointer(absl::string_view text, uint64_t* value) {
  return text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
         ParseHex(text.substr(2), value);
}

// Cuts the first field off `*rest`: what stands before the first `separator`, which is cut off too.
inline absl::string_view TakeField(absl::string_view* rest, char separator = ' ') {
  const size_t end = rest->find(separator);
  const absl::string_view field = rest->substr(0, end);
  rest->remove_prefix(end == absl::string_view::npos ? rest->size() : end + 1);
  return field;
}

// a * b, or the largest number where that does not fit.
inline uint64_t SaturatedProduct(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<uint64_t>::max() : product;
}

// How many of the first lines of `head` the predicate holds for, in percent; a last line that may
// be cut does not count unless it is the only one.
template <typename Predicate>
int PercentOfLines(absl::string_view head, Predicate predicate, int max_lines = 200) {
  int lines = 0, hits = 0;
  while (!head.empty() && lines < max_lines) {
    const bool whole = head.find('\n') != absl::string_view::npos;
    if (!whole && lines > 0) break;
    absl::string_view line = TakeField(&head, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    ++lines;
    hits += predicate(line);
  }
  return lines == 0 ? 0 : hits * 100 / lines;
}

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_TEXT_H_
