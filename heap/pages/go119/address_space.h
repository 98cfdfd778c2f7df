// Where a growing heap takes its addresses from (the runtime's mheap.sysAlloc).
#ifndef HEAPSIM_HEAP_PAGES_GO119_ADDRESS_SPACE_H_
#define HEAPSIM_HEAP_PAGES_GO119_ADDRESS_SPACE_H_

#include <vector>

#include "heap/pages/go119/address_ranges.h"
#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap::go119 {

class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // At least `ask` bytes of address space, in whole chunks, that were never given before; empty
  // where there is none.
  virtual AddressRange Reserve(Bytes ask) = 0;
  // Makes a part of it usable memory. Throws kCannotMap.
  virtual void Map(AddressRange range) = 0;
};

// As the runtime does on linux/amd64: arenas of 64 MiB from 0xc000000000 on, each behind the last;
// if something is in the way, at the next of the hints, which are 1 TiB apart; with all hints gone
// wherever the system likes, and from there upwards, then downwards.
class ArenaHints final : public AddressSpace {
 public:
  explicit ArenaHints(Os* os);
  AddressRange Reserve(Bytes ask) override;
  void Map(AddressRange range) override;

 private:
  struct Hint {
    Address at;
    bool down = false;
  };
  Os* os_;
  std::vector<Hint> hints_;  // the next is the last
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_ADDRESS_SPACE_H_
