#include "analysis/html/packed_column.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"

namespace heapsim::analysis {

nlohmann::ordered_json PackedColumn(absl::Span<const uint64_t> values) {
  if (values.empty()) return 0;
  if (std::all_of(values.begin(), values.end(), [&](uint64_t v) { return v == values[0]; })) {
    return values[0];
  }
  std::string bytes;
  bytes.reserve(values.size() * 3);
  uint64_t before = 0;
  for (const uint64_t value : values) {
    // Wraps where the difference has no place in 63 bits, and back again when it is read.
    const uint64_t difference = value - before;
    before = value;
    const uint64_t sign = difference >> 63;
    uint64_t rest = (difference << 1) ^ (uint64_t{0} - sign);
    for (; rest >= 0x80; rest >>= 7) bytes.push_back(static_cast<char>(0x80 | (rest & 0x7f)));
    bytes.push_back(static_cast<char>(rest));
  }
  return absl::Base64Escape(bytes);
}

}  // namespace heapsim::analysis
