// Stream-vbyte: 32-bit numbers in 1 to 4 bytes each, with the lengths apart from the bytes, so that
// a decoder shuffles four numbers at a time into place (Lemire, Kurz, Rupp: "Stream VByte", 2017).
//
// Layout of n numbers: (n+3)/4 control bytes, 2 bits a number (length - 1), the first number in the
// lowest bits and unused bits 0; then the numbers' bytes, little-endian.
#ifndef HEAPSIM_TRACES_FORMAT_STREAM_VBYTE_H_
#define HEAPSIM_TRACES_FORMAT_STREAM_VBYTE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace heapsim::traces {

// Appends the code of `values` to `*out`.
void StreamVbyteEncode(absl::Span<const uint32_t> values, std::string* out);

// Decodes exactly `values.size()` numbers. False, with `values` in any state, unless `bytes` is
// their code, no byte more or less. Picks the fastest variant that the CPU runs.
bool StreamVbyteDecode(absl::string_view bytes, absl::Span<uint32_t> values);

// The variants, for tests and benchmarks; all give the same result.
bool StreamVbyteDecodePortable(absl::string_view bytes, absl::Span<uint32_t> values);
#if defined(__x86_64__)
// Need a CPU with SSSE3, AVX2.
bool StreamVbyteDecodeSsse3(absl::string_view bytes, absl::Span<uint32_t> values);
bool StreamVbyteDecodeAvx2(absl::string_view bytes, absl::Span<uint32_t> values);
#endif

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_STREAM_VBYTE_H_
