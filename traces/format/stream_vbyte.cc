#include "traces/format/stream_vbyte.h"

#include <array>
#include <cstddef>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace heapsim::traces {
namespace {

size_t ControlBytes(size_t values) { return (values + 3) / 4; }

// Decodes the values from `next` on, whose bytes start at `data`.
bool DecodeTail(const uint8_t* control, const uint8_t* data, const uint8_t* end,
                absl::Span<uint32_t> values, size_t next) {
  for (; next < values.size(); ++next) {
    const unsigned length = ((control[next / 4] >> (next % 4 * 2)) & 3) + 1;
    if (static_cast<size_t>(end - data) < length) return false;
    uint32_t value = 0;
    for (unsigned i = 0; i < length; ++i) value |= uint32_t{data[i]} << (8 * i);
    values[next] = value;
    data += length;
  }
  // Bits of the last control byte that belong to no value would be ignored: a file could differ
  // and read the same.
  if (values.size() % 4 != 0 && control[values.size() / 4] >> (values.size() % 4 * 2) != 0) {
    return false;
  }
  return data == end;
}

#if defined(__x86_64__)

struct Tables {
  // For a control byte: where each of 16 result bytes comes from (0x80: it is 0), and how many
  // bytes the four values take.
  alignas(16) std::array<std::array<uint8_t, 16>, 256> shuffle;
  std::array<uint8_t, 256> length;
};

constexpr Tables MakeTables() {
  Tables tables{};
  for (int control = 0; control < 256; ++control) {
    uint8_t from = 0;
    for (int value = 0; value < 4; ++value) {
      const int length = ((control >> (value * 2)) & 3) + 1;
      for (int byte = 0; byte < 4; ++byte) {
        tables.shuffle[control][value * 4 + byte] = byte < length ? from + byte : 0x80;
      }
      from += length;
    }
    tables.length[control] = from;
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#endif

}  // namespace

void StreamVbyteEncode(absl::Span<const uint32_t> values, std::string* out) {
  const size_t control_start = out->size();
  const size_t data_start = control_start + ControlBytes(values.size());
  out->resize(data_start + 4 * values.size());
  char* control = out->data() + control_start;
  char* data = out->data() + data_start;
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t value = values[i];
    const unsigned length = (value > 0xff) + (value > 0xffff) + (value > 0xffffff);
    if (i % 4 == 0) control[i / 4] = 0;
    control[i / 4] |= static_cast<char>(length << (i % 4 * 2));
    for (unsigned byte = 0; byte <= length; ++byte) {
      *data++ = static_cast<char>(value);
      value >>= 8;
    }
  }
  out->resize(data - out->data());
}

bool StreamVbyteDecodePortable(absl::string_view bytes, absl::Span<uint32_t> values) {
  const size_t controls = ControlBytes(values.size());
  if (bytes.size() < controls) return false;
  const auto* control = reinterpret_cast<const uint8_t*>(bytes.data());
  return DecodeTail(control, control + controls, control + bytes.size(), values, 0);
}

#if defined(__x86_64__)

__attribute__((target("ssse3"))) bool StreamVbyteDecodeSsse3(absl::string_view bytes,
                                                             absl::Span<uint32_t> values) {
  const size_t controls = ControlBytes(values.size());
  if (bytes.size() < controls) return false;
  const auto* control = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* data = control + controls;
  const uint8_t* end = control + bytes.size();
  size_t next = 0;
  // A step loads 16 bytes, however few of them it uses.
  while (next + 4 <= values.size() && end - data >= 16) {
    const uint8_t code = control[next / 4];
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
    const __m128i shuffle =
        _mm_load_si128(reinterpret_cast<const __m128i*>(kTables.shuffle[code].data()));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values.data() + next),
                     _mm_shuffle_epi8(packed, shuffle));
    data += kTables.length[code];
    next += 4;
  }
  return DecodeTail(control, data, end, values, next);
}

__attribute__((target("avx2"))) bool StreamVbyteDecodeAvx2(absl::string_view bytes,
                                                           absl::Span<uint32_t> values) {
  const size_t controls = ControlBytes(values.size());
  if (bytes.size() < controls) return false;
  const auto* control = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* data = control + controls;
  const uint8_t* end = control + bytes.size();
  size_t next = 0;
  // Two control bytes a step: 16 bytes are loaded at the start of each four values.
  while (next + 8 <= values.size() && end - data >= 32) {
    const uint8_t low = control[next / 4];
    const uint8_t high = control[next / 4 + 1];
    const uint8_t* middle = data + kTables.length[low];
    const __m256i packed = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(middle)), 1);
    const __m256i shuffle = _mm256_inserti128_si256(
        _mm256_castsi128_si256(
            _mm_load_si128(reinterpret_cast<const __m128i*>(kTables.shuffle[low].data()))),
        _mm_load_si128(reinterpret_cast<const __m128i*>(kTables.shuffle[high].data())), 1);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(values.data() + next),
                        _mm256_shuffle_epi8(packed, shuffle));
    data = middle + kTables.length[high];
    next += 8;
  }
  return DecodeTail(control, data, end, values, next);
}

#endif

bool StreamVbyteDecode(absl::string_view bytes, absl::Span<uint32_t> values) {
#if defined(__x86_64__)
  static const auto decode = __builtin_cpu_supports("avx2")    ? &StreamVbyteDecodeAvx2
                             : __builtin_cpu_supports("ssse3") ? &StreamVbyteDecodeSsse3
                                                               : &StreamVbyteDecodePortable;
  return decode(bytes, values);
#else
  return StreamVbyteDecodePortable(bytes, values);
#endif
}

}  // namespace heapsim::traces
