#include "heap/pages/go119/address_space.h"

#include "heap/fatal.h"
#include "heap/pages/go119/layout.h"

namespace heapsim::heap::go119 {
namespace {

constexpr uint64_t kHints = 128;
constexpr uint64_t kFirstHint = uint64_t{0x00c0} << 32;
constexpr uint64_t kHintStep = uint64_t{1} << 40;

}  // namespace

ArenaHints::ArenaHints(Os* os) : os_(os) {
  for (uint64_t i = kHints; i-- > 0;)
    hints_.push_back({Address(i * kHintStep | kFirstHint), false});
}

AddressRange ArenaHints::Reserve(Bytes ask) {
  const Bytes n(RoundUp(ask.v, kArenaBytes.v));
  while (!hints_.empty()) {
    Hint& hint = hints_.back();
    if (!hint.down || n.v < hint.at.v) {
      const Address want = hint.down ? hint.at - n : hint.at;
      // What the system gives elsewhere goes back at once, which it may do without being told.
      if ((want + n).v <= kIndexOffset && os_->Reserve(want, n) == want) {
        hint.at = hint.down ? want : want + n;
        return {want, want + n};
      }
    }
    hints_.pop_back();
  }
  const Address any = os_->Reserve(Address(), n);
  if (any.is_null()) return {};
  if (any.v % kArenaBytes.v != 0 || (any + n).v > kIndexOffset) {
    Throw(FatalCode::kOutOfMemory, "misrounded allocation in sysAlloc");
  }
  hints_.push_back({any, true});
  hints_.push_back({any + n, false});
  return {any, any + n};
}

void ArenaHints::Map(AddressRange range) {
  if (!os_->Map(MapArea::kArena, range.base, range.size(), SysStat::kHeap)) {
    Throw(FatalCode::kCannotMap, "runtime: cannot map pages in arena address space");
  }
}

}  // namespace heapsim::heap::go119
