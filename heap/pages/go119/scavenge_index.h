// Which chunks may have pages to give back: a bit each, set when pages are freed, cleared only by a
// look that finds nothing; and the place from which to look downwards.
#ifndef HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_INDEX_H_
#define HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_INDEX_H_

#include <cstdint>

#include "heap/pages/go119/address_ranges.h"
#include "heap/pages/go119/layout.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap::go119 {

class ScavengeIndex {
 public:
  ScavengeIndex() : bytes_(kChunks / 8) {}

  // Makes room for the chunks of a range. The bytes of the table, as offsets, that must be mapped
  // for it: from the lowest chunk to the highest, the first time from the table's start on.
  AddressRange Grow(AddressRange range, Bytes os_page);

  // Pages of the range were freed.
  void Mark(AddressRange range);
  // Nothing was found in the chunk.
  void Clear(uint64_t chunk) { bytes_[chunk / 8] &= static_cast<uint8_t>(~(1u << chunk % 8)); }
  bool Get(uint64_t chunk) const { return bytes_[chunk / 8] >> chunk % 8 & 1; }

  struct Found {
    bool found = false;
    uint64_t chunk = 0;
    uint32_t page = 0;  // where to look from, downwards; the runtime then looks at the whole chunk
  };
  // The highest marked chunk at or below the search address. Moves that address.
  Found Find();

  // Null: the search is over until something is freed.
  Address search() const { return search_; }
  // The address was raised since it was last moved by a search.
  bool search_marked() const { return marked_; }

 private:
  VirtualArray<uint8_t> bytes_;
  uint64_t min_mapped_ = 0, max_mapped_ = 0;  // bytes of the table
  uint64_t lowest_ = 0;                       // byte of the lowest chunk; 0: none yet
  Address search_;
  bool marked_ = false;
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_SCAVENGE_INDEX_H_
