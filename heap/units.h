// Strong types for the three quantities that an allocator must never mix up.
//
// All are 64-bit and trivially copyable; arithmetic exists only where it means something (address +
// bytes, pages -> bytes). A simulated address is never a host pointer.
#ifndef HEAPSIM_HEAP_UNITS_H_
#define HEAPSIM_HEAP_UNITS_H_

#include <compare>
#include <cstdint>

namespace heapsim::heap {

// Bytes in a heap page, the unit of spans. Not the page of the operating system, which is a setting
// of the machine.
inline constexpr uint64_t kPageShift = 13;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageShift;

// A length in bytes.
struct Bytes {
  uint64_t v = 0;
  constexpr Bytes() = default;
  constexpr explicit Bytes(uint64_t n) : v(n) {}
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes o) const { return Bytes(v + o.v); }
  constexpr Bytes operator-(Bytes o) const { return Bytes(v - o.v); }
  constexpr Bytes operator*(uint64_t n) const { return Bytes(v * n); }
  constexpr Bytes& operator+=(Bytes o) { return v += o.v, *this; }
  constexpr Bytes& operator-=(Bytes o) { return v -= o.v, *this; }
};

// A length in heap pages.
struct Pages {
  uint64_t v = 0;
  constexpr Pages() = default;
  constexpr explicit Pages(uint64_t n) : v(n) {}
  constexpr auto operator<=>(const Pages&) const = default;
  constexpr Pages operator+(Pages o) const { return Pages(v + o.v); }
  constexpr Pages operator-(Pages o) const { return Pages(v - o.v); }
  constexpr Pages& operator+=(Pages o) { return v += o.v, *this; }
  constexpr Pages& operator-=(Pages o) { return v -= o.v, *this; }
  constexpr Bytes bytes() const { return Bytes(v << kPageShift); }
};

// A simulated address.
struct Address {
  uint64_t v = 0;
  constexpr Address() = default;
  constexpr explicit Address(uint64_t a) : v(a) {}
  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(Bytes o) const { return Address(v + o.v); }
  constexpr Address operator-(Bytes o) const { return Address(v - o.v); }
  constexpr Bytes operator-(Address o) const { return Bytes(v - o.v); }
  constexpr bool is_null() const { return v == 0; }
};

// The smallest multiple of `unit` (a power of two) that is not below `n`.
constexpr uint64_t RoundUp(uint64_t n, uint64_t unit) { return (n + unit - 1) & ~(unit - 1); }
constexpr uint64_t RoundDown(uint64_t n, uint64_t unit) { return n & ~(unit - 1); }

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_UNITS_H_
