#include "heap/pages/go119/scavenge_index.h"

#include <algorithm>
#include <bit>

namespace heapsim::heap::go119 {

AddressRange ScavengeIndex::Grow(AddressRange range, Bytes os_page) {
  const uint64_t first = ChunkIndex(range.base) / 8;
  if (lowest_ == 0 || first < lowest_) lowest_ = first;
  uint64_t min = RoundDown(first, os_page.v);
  uint64_t max = RoundUp((ChunkIndex(range.limit) + 7) / 8, os_page.v);
  // Everything from the lowest to the highest is mapped, also what lies between two ranges.
  max = std::max(max, min_mapped_);
  min = std::min(min, max_mapped_);
  const AddressRange need = AddressRange{Address(min), Address(max)}.Without(
      {Address(min_mapped_), Address(max_mapped_)});
  if (need.empty()) return {};
  // The runtime takes a lower end of 0 for "none yet", so the first growth beyond it moves it up.
  if (min_mapped_ == 0 || min < min_mapped_) min_mapped_ = min;
  if (max_mapped_ == 0 || max > max_mapped_) max_mapped_ = max;
  return need;
}

void ScavengeIndex::Mark(AddressRange range) {
  const Address last = range.limit - Bytes(kPageSize);
  for (uint64_t c = ChunkIndex(range.base), end = ChunkIndex(last); c <= end;) {
    if (c % 8 == 0 && c + 8 <= end) {
      bytes_[c / 8] = 0xff;
      c += 8;
    } else {
      bytes_[c / 8] |= static_cast<uint8_t>(1u << c % 8);
      ++c;
    }
  }
  if (search_ < last) {
    search_ = last;
    marked_ = true;
  }
}

ScavengeIndex::Found ScavengeIndex::Find() {
  if (search_.is_null()) return {};
  const uint64_t from = ChunkIndex(search_);
  for (uint64_t i = from / 8; i >= lowest_; --i) {
    if (bytes_[i] == 0) continue;
    const uint64_t chunk = i * 8 + 7 - static_cast<uint64_t>(std::countl_zero(bytes_[i]));
    if (chunk == from) return {true, chunk, PageInChunk(search_)};
    const Address last = PageAddress(chunk, kChunkPages - 1);
    if (marked_ || last < search_) search_ = last;
    marked_ = false;
    return {true, chunk, kChunkPages - 1};
  }
  // An address that was raised meanwhile stays, or what was freed then would be forgotten.
  if (!marked_) search_ = Address();
  return {};
}

}  // namespace heapsim::heap::go119
