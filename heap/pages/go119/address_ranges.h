// The ranges of addresses that the allocator was given, in order, neighbours joined.
#ifndef HEAPSIM_HEAP_PAGES_GO119_ADDRESS_RANGES_H_
#define HEAPSIM_HEAP_PAGES_GO119_ADDRESS_RANGES_H_

#include <cstddef>
#include <vector>

#include "heap/units.h"

namespace heapsim::heap::go119 {

struct AddressRange {
  Address base, limit;
  bool empty() const { return !(base < limit); }
  Bytes size() const { return empty() ? Bytes(0) : limit - base; }
  bool operator==(const AddressRange&) const = default;
  // Without what `other` covers, which must not lie in the middle.
  AddressRange Without(const AddressRange& other) const;
};

class AddressRanges {
 public:
  // The number of ranges that start at or below `a`: the place where one at `a` belongs.
  size_t After(Address a) const;
  // Overlaps none that is there.
  void Add(AddressRange range);
  bool Contains(Address a) const;
  // The lowest address in a range that is not below `a`; null: there is none.
  Address AtOrAbove(Address a) const;
  const std::vector<AddressRange>& ranges() const { return ranges_; }

 private:
  std::vector<AddressRange> ranges_;
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_ADDRESS_RANGES_H_
