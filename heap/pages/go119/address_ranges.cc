#include "heap/pages/go119/address_ranges.h"

#include <algorithm>

namespace heapsim::heap::go119 {

AddressRange AddressRange::Without(const AddressRange& other) const {
  if (empty() || (other.base <= base && limit <= other.limit)) return {};
  AddressRange left = *this;
  if (other.limit < limit && base < other.limit) {
    left.base = other.limit;
  } else if (base < other.base && other.base < limit) {
    left.limit = other.base;
  }
  return left;
}

size_t AddressRanges::After(Address a) const {
  return std::upper_bound(ranges_.begin(), ranges_.end(), a,
                          [](Address x, const AddressRange& r) { return x < r.base; }) -
         ranges_.begin();
}

void AddressRanges::Add(AddressRange range) {
  const size_t i = After(range.base);
  const bool joins_below = i > 0 && ranges_[i - 1].limit == range.base;
  const bool joins_above = i < ranges_.size() && range.limit == ranges_[i].base;
  if (joins_below && joins_above) {
    ranges_[i - 1].limit = ranges_[i].limit;
    ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(i));
  } else if (joins_below) {
    ranges_[i - 1].limit = range.limit;
  } else if (joins_above) {
    ranges_[i].base = range.base;
  } else {
    ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(i), range);
  }
}

bool AddressRanges::Contains(Address a) const {
  const size_t i = After(a);
  return i > 0 && a < ranges_[i - 1].limit;
}

Address AddressRanges::AtOrAbove(Address a) const {
  if (Contains(a)) return a;
  const size_t i = After(a);
  return i < ranges_.size() ? ranges_[i].base : Address();
}

}  // namespace heapsim::heap::go119
