// A column of whole numbers as text small enough for a page that holds 100,000 samples.
#ifndef HEAPSIM_ANALYSIS_HTML_PACKED_COLUMN_H_
#define HEAPSIM_ANALYSIS_HTML_PACKED_COLUMN_H_

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/types/span.h"

namespace heapsim::analysis {

// The value itself where all are equal (0 for no values at all), else the base64 text of each
// value's difference from the one before, zigzag, as little-endian groups of seven bits (LEB128).
// The reader is `unpackColumn` in script/data.js; it knows the number of values from elsewhere.
nlohmann::ordered_json PackedColumn(absl::Span<const uint64_t> values);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_PACKED_COLUMN_H_
