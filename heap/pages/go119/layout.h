// How Go 1.19's page allocator divides the address space: pages, chunks of 512 pages, and five
// levels of summaries above them.
#ifndef HEAPSIM_HEAP_PAGES_GO119_LAYOUT_H_
#define HEAPSIM_HEAP_PAGES_GO119_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "heap/units.h"

namespace heapsim::heap::go119 {

inline constexpr uint32_t kChunkPages = 512;
inline constexpr Bytes kChunkBytes{kChunkPages * kPageSize};
inline constexpr uint32_t kCachePages = 64;    // of a P's page cache
inline constexpr Bytes kArenaBytes{64 << 20};  // the unit in which address space is reserved

// Indices count from the lowest address of the 48-bit space, half of which is negative on amd64.
inline constexpr uint64_t kAddressBits = 48;
inline constexpr uint64_t kIndexOffset = uint64_t{1} << (kAddressBits - 1);

inline constexpr int kLevels = 5;
inline constexpr uint32_t kRootBits = 14;     // log2 of the entries of level 0
inline constexpr uint32_t kLevelBits = 3;     // log2 of the entries below an entry
inline constexpr uint32_t kMaxPagesLog = 21;  // log2 of the pages below an entry of level 0

// Beyond every address: where a search starts when nothing is free.
inline constexpr Address kNowhere{UINT64_MAX};

// log2 of the pages below an entry.
constexpr uint32_t LevelPagesLog(int level) {
  return kMaxPagesLog - kLevelBits * static_cast<uint32_t>(level);
}
constexpr uint32_t LevelShift(int level) { return LevelPagesLog(level) + kPageShift; }
constexpr size_t LevelEntries(int level) {
  return size_t{1} << (kRootBits + kLevelBits * static_cast<uint32_t>(level));
}
constexpr uint64_t LevelIndex(int level, Address a) {
  return (a.v + kIndexOffset) >> LevelShift(level);
}
constexpr Address LevelAddress(int level, uint64_t index) {
  return Address((index << LevelShift(level)) - kIndexOffset);
}
constexpr uint32_t BlockBits(int level) { return level == 0 ? kRootBits : kLevelBits; }

// A chunk's number is its index in the lowest level.
constexpr uint64_t ChunkIndex(Address a) { return LevelIndex(kLevels - 1, a); }
constexpr Address ChunkBase(uint64_t chunk) { return LevelAddress(kLevels - 1, chunk); }
constexpr uint32_t PageInChunk(Address a) {
  return static_cast<uint32_t>(a.v % kChunkBytes.v >> kPageShift);
}
constexpr Address PageAddress(uint64_t chunk, uint32_t page) {
  return ChunkBase(chunk) + Pages(page).bytes();
}
inline constexpr size_t kChunks = LevelEntries(kLevels - 1);

static_assert(LevelShift(kLevels - 1) == 22, "a chunk is an entry of the lowest level");

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_LAYOUT_H_
