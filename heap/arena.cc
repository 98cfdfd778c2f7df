#include "heap/arena.h"

#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kArenaBytesPerBitmapByte = 32;  // 2 bits for each 8-byte word
constexpr uint64_t kBitmapChunk = 8192;
constexpr uint64_t kPageTableEntry = 8;  // a pointer

}  // namespace

Arena::Arena(const ArenaLayout& layout, Os* os, MemStats* stats)
    : layout_(layout), os_(os), stats_(stats), used_(layout.start), alloc_(layout.start) {}

void Arena::Map(MapArea area, Address begin, Bytes length, SysStat stat) {
  stats_->sys(stat) += length.v;
  if (!os_->Map(area, begin, length, stat)) {
    Throw(FatalCode::kCannotMap, "runtime: out of memory");
  }
}

Address Arena::SysAlloc(Bytes n) {
  // On 64-bit systems the whole range was reserved at the start, so that there is nothing to add to
  // it.
  if (n > layout_.end - alloc_) return Address();
  const Address p = alloc_;
  Map(MapArea::kArena, p, n, SysStat::kHeap);
  alloc_ = alloc_ + n;
  SetUsed(alloc_);
  return p;
}

void Arena::SetUsed(Address used) {
  const uint64_t phys = os_->PhysicalPageSize().v;
  const uint64_t length = (used - layout_.start).v;

  const Bytes bitmap(RoundUp(RoundUp(length / kArenaBytesPerBitmapByte, kBitmapChunk), phys));
  if (bitmap_mapped_ < bitmap) {
    Map(MapArea::kBitmap, layout_.start - bitmap, bitmap - bitmap_mapped_, SysStat::kGc);
    bitmap_mapped_ = bitmap;
  }

  const Bytes table(RoundUp((length >> kPageShift) * kPageTableEntry, phys));
  if (spans_mapped_ < table) {
    Map(MapArea::kSpans, layout_.spans_start() + spans_mapped_, table - spans_mapped_,
        SysStat::kOther);
    spans_mapped_ = table;
  }
  used_ = used;
}

void Arena::ClearBitmap(Address begin, Bytes length) {
  const uint64_t n = length.v / kArenaBytesPerBitmapByte;
  const uint64_t end = (begin - layout_.start).v / kArenaBytesPerBitmapByte + n;
  os_->Touch(layout_.start - Bytes(end), Bytes(n));
}

void Arena::TouchPageTable(Address begin, Pages length) {
  const uint64_t first = (begin - layout_.start).v >> kPageShift;
  os_->Touch(layout_.spans_start() + Bytes(first * kPageTableEntry),
             Bytes(length.v * kPageTableEntry));
}

}  // namespace heapsim::heap
