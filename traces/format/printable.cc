#include "traces/format/printable.h"

#include <cstddef>
#include <cstdint>

namespace heapsim::traces {
namespace {

// Bytes of the character that `text` begins with; 0 if it begins with none.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer than need be, half of a surrogate pair, past the last character.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) {
    return 0;
  }
  return size;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    const auto first = static_cast<uint8_t>(text[0]);
    // The control characters of both ASCII and Latin-1.
    const bool control = first < 0x20 || first == 0x7f ||
                         (size == 2 && first == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0);
    const size_t taken = size == 0 ? 1 : size;
    if (size == 0 || control) {
      out.push_back('?');
    } else {
      out.append(text.data(), taken);
    }
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace heapsim::traces
