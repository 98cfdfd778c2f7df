#include "sim/replay/positions.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>

namespace heapsim::sim {
namespace {

// Up to 64 bits of a bitmap from `begin` on, what is beyond `count` clear.
inline uint64_t BitsAt(const uint64_t* bitmap, uint32_t begin, uint32_t count) {
  uint64_t word = bitmap[begin / 64] >> (begin % 64);
  const uint32_t have = 64 - begin % 64;
  if (have < count) word |= bitmap[begin / 64 + 1] << have;
  return count >= 64 ? word : word & ((uint64_t{1} << count) - 1);
}

uint32_t ListPortably(const uint64_t* bitmap, uint32_t begin, uint32_t count, uint16_t* clear,
                      uint16_t* set) {
  uint32_t clears = 0, sets = 0;
  for (uint32_t i = 0; i < count; i += 64) {
    const uint32_t n = std::min(64u, count - i);
    const uint64_t word = BitsAt(bitmap, begin + i, n);
    const uint64_t mask = n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
    for (uint64_t w = ~word & mask; w != 0; w &= w - 1) {
      clear[clears++] = static_cast<uint16_t>(i + static_cast<uint32_t>(std::countr_zero(w)));
    }
    for (uint64_t w = word; w != 0; w &= w - 1) {
      set[sets++] = static_cast<uint16_t>(i + static_cast<uint32_t>(std::countr_zero(w)));
    }
  }
  return clears;
}

inline WeightedSum SumUp(const uint32_t* values, const uint16_t* at, size_t n, uint32_t last) {
  WeightedSum s;
  for (size_t i = 0; i < n; ++i) {
    s.plain += values[i];
    s.weighted += uint64_t{values[i]} * (last - at[i]);
  }
  return s;
}

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw,avx512vbmi2"))) uint32_t ListAvx512(
    const uint64_t* bitmap, uint32_t begin, uint32_t count, uint16_t* clear, uint16_t* set) {
  alignas(64) static constexpr auto kIota = [] {
    struct {
      uint16_t v[32];
    } r = {};
    for (uint16_t i = 0; i < 32; ++i) r.v[i] = i;
    return r;
  }();
  __m512i low = _mm512_load_si512(kIota.v);
  __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(32));
  const __m512i step = _mm512_set1_epi16(64);
  uint16_t* const first = clear;
  for (uint32_t i = 0; i < count; i += 64) {
    const uint32_t n = std::min(64u, count - i);
    const uint64_t word = BitsAt(bitmap, begin + i, n);
    const uint64_t rest = ~word & (n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1);
    // Whole vectors are stored, and the next store covers what was too much: cheaper than a
    // compressing store.
    const auto store = [](uint16_t * &to, uint32_t mask, __m512i v)
        __attribute__((target("avx512f,avx512bw,avx512vbmi2"))) {
      _mm512_storeu_si512(to, _mm512_maskz_compress_epi16(mask, v));
      to += std::popcount(mask);
    };
    store(clear, static_cast<uint32_t>(rest), low);
    store(clear, static_cast<uint32_t>(rest >> 32), high);
    store(set, static_cast<uint32_t>(word), low);
    store(set, static_cast<uint32_t>(word >> 32), high);
    low = _mm512_add_epi16(low, step);
    high = _mm512_add_epi16(high, step);
  }
  return static_cast<uint32_t>(clear - first);
}

// For a byte of the bitmap: which of its bits are set, from the lowest on.
struct BitLists {
  alignas(64) uint8_t list[256][8];
};
constexpr BitLists MakeBitLists() {
  BitLists r = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (uint8_t bit = 0, n = 0; bit < 8; ++bit) {
      if ((byte >> bit & 1) != 0) r.list[byte][n++] = bit;
    }
  }
  return r;
}
constexpr BitLists kBitLists = MakeBitLists();

// Eight events at a time by a table of lists. Each store is a whole vector; the next one covers
// what was too much.
__attribute__((target("avx2,popcnt"))) uint32_t ListAvx2(const uint64_t* bitmap, uint32_t begin,
                                                         uint32_t count, uint16_t* clear,
                                                         uint16_t* set) {
  uint16_t* const first = clear;
  const __m128i step = _mm_set1_epi16(8);
  __m128i base = _mm_setzero_si128();
  for (uint32_t i = 0; i < count; i += 64) {
    const uint32_t n = std::min(64u, count - i);
    uint64_t sets = BitsAt(bitmap, begin + i, n);
    uint64_t clears = ~sets & (n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1);
    for (uint32_t byte = 0; byte < 8; ++byte) {
      const auto store = [base](uint16_t * &to, uint64_t bits)
          __attribute__((target("avx2,popcnt"))) {
        const uint8_t* list = kBitLists.list[bits & 0xff];
        const __m128i at =
            _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(list)));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_add_epi16(at, base));
        to += _mm_popcnt_u32(static_cast<uint32_t>(bits & 0xff));
      };
      store(clear, clears);
      store(set, sets);
      clears >>= 8;
      sets >>= 8;
      base = _mm_add_epi16(base, step);
    }
  }
  return static_cast<uint32_t>(clear - first);
}

__attribute__((target("avx512f"))) WeightedSum SumAvx512(const uint32_t* values, const uint16_t* at,
                                                         size_t n, uint32_t last) {
  const __m512i ends = _mm512_set1_epi64(last);
  __m512i plain = _mm512_setzero_si512(), weighted = plain;
  for (size_t i = 0; i < n; i += 8) {
    const __mmask8 k = n - i >= 8 ? 0xff : static_cast<__mmask8>((1u << (n - i)) - 1);
    const __m512i v =
        _mm512_cvtepu32_epi64(_mm512_castsi512_si256(_mm512_maskz_loadu_epi32(k, values + i)));
    const __m512i a =
        _mm512_cvtepu16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i)));
    plain = _mm512_add_epi64(plain, v);
    weighted = _mm512_add_epi64(weighted, _mm512_mul_epu32(v, _mm512_sub_epi64(ends, a)));
  }
  return {static_cast<uint64_t>(_mm512_reduce_add_epi64(plain)),
          static_cast<uint64_t>(_mm512_reduce_add_epi64(weighted))};
}

// Eight at a time, the last of them behind a mask: how many are left over nobody can foresee.
__attribute__((target("avx2"))) WeightedSum SumAvx2(const uint32_t* values, const uint16_t* at,
                                                    size_t n, uint32_t last) {
  alignas(32) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m256i ends = _mm256_set1_epi32(static_cast<int32_t>(last));
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  __m256i plain = _mm256_setzero_si256(), weighted = plain;
  const auto add = [&](__m256i v, size_t i) __attribute__((target("avx2"), always_inline)) {
    const __m256i left = _mm256_sub_epi32(
        ends, _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i))));
    const __m256i odd = _mm256_srli_epi64(v, 32);
    plain = _mm256_add_epi64(plain, _mm256_add_epi64(_mm256_and_si256(v, low), odd));
    weighted = _mm256_add_epi64(
        weighted, _mm256_add_epi64(_mm256_mul_epu32(v, left),
                                   _mm256_mul_epu32(odd, _mm256_srli_epi64(left, 32))));
  };
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    add(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i)), i);
  }
  const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - (n - i)));
  add(_mm256_maskload_epi32(reinterpret_cast<const int*>(values + i), mask), i);
  alignas(32) uint64_t p[4], w[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), plain);
  _mm256_store_si256(reinterpret_cast<__m256i*>(w), weighted);
  return {p[0] + p[1] + p[2] + p[3], w[0] + w[1] + w[2] + w[3]};
}

#endif

WeightedSum SumPortably(const uint32_t* values, const uint16_t* at, size_t n, uint32_t last) {
  return SumUp(values, at, n, last);
}

}  // namespace

const PositionCode* PositionCodes() {
  static const auto codes = [] {
    struct {
      PositionCode list[4] = {};
    } r;
    PositionCode* next = r.list;
    *next++ = {"portable", &ListPortably, &SumPortably};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) {
      *next++ = {"avx2", &ListAvx2, &SumAvx2};
    }
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2")) {
      *next++ = {"avx512", &ListAvx512, &SumAvx512};
    }
#endif
    return r;
  }();
  return codes.list;
}

namespace {
const PositionCode& Fastest() {
  const PositionCode* c = PositionCodes();
  while (c[1].name != nullptr) ++c;
  return *c;
}
}  // namespace

uint32_t ListPositions(const uint64_t* bitmap, uint32_t begin, uint32_t count, uint16_t* clear,
                       uint16_t* set) {
  static const auto list = Fastest().list;
  return list(bitmap, begin, count, clear, set);
}

WeightedSum SumWeighted(const uint32_t* values, const uint16_t* at, size_t n, uint32_t last) {
  static const auto sum = Fastest().sum;
  return sum(values, at, n, last);
}

}  // namespace heapsim::sim
