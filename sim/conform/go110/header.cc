#include "sim/conform/go110/header.h"

#include <bit>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "sim/conform/fields.h"
#include "sim/conform/go110/line.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {
namespace {

// The struct sizes that the heap's simulated records have.
constexpr uint64_t kDescriptorBytes = 152;
constexpr uint64_t kTreapNodeBytes = 48;
constexpr uint64_t kHugePageBytes = 2 << 20;
constexpr uint64_t kAddressBits = 48;

Fields Start(LineCursor& cursor, Kind kind) {
  const LineType type = TypeOf(cursor.line());
  if (cursor.at_end() || type.kind != kind) {
    throw BadLog{cursor.number(), absl::StrCat("the `", Letter(kind), "` line is missing")};
  }
  return Fields(cursor.line(), type.length, cursor.number());
}

void Name(Fields& fields, absl::string_view name) {
  if (!fields.Take(name)) throw BadLog{fields.line(), absl::StrCat("`", name, "` is missing")};
}

uint64_t Hex(Fields& fields, absl::string_view name) {
  Name(fields, name);
  return fields.Hex();
}

uint64_t Dec(Fields& fields, absl::string_view name) {
  Name(fields, name);
  return fields.Dec();
}

void Require(bool holds, const Fields& fields, const char* what) {
  if (!holds) fields.Bad(what);
}

}  // namespace

Header ReadHeader(LineCursor& cursor) {
  Header header;
  {
    Fields f = Start(cursor, Kind::kVersion);
    Name(f, "1");
    const uint64_t level = Dec(f, "level");
    Require(level == 1 || level == 2, f, "a level that is neither 1 nor 2");
    header.level = static_cast<int>(level);
    Name(f, "go1.10");
    Name(f, "linux/amd64");
    Name(f, "title");
    header.title = std::string(f.Word());
    while (!f.at_end()) absl::StrAppend(&header.title, " ", f.Word());
    cursor.Advance();
  }
  {
    Fields f = Start(cursor, Kind::kInfo);
    heap::ArenaLayout& layout = header.layout;
    layout.start = heap::Address(Hex(f, "arena_start"));
    const uint64_t end = Hex(f, "arena_end");
    layout.end = layout.start + heap::Bytes(end);
    Name(f, "arena_reserved");
    layout.reserved = f.Bit();
    layout.spans_bytes = heap::Bytes(Hex(f, "spans_bytes"));
    layout.bitmap_bytes = heap::Bytes(Hex(f, "bitmap_bytes"));
    const uint64_t page = Dec(f, "page");
    header.phys_page = heap::Bytes(Dec(f, "phys_page"));
    header.chunk = heap::Bytes(Dec(f, "chunk"));
    f.End();

    Require(page == heap::kPageSize, f, "heap pages are not of 8192 bytes");
    Require(layout.start.v % heap::kPageSize == 0 && layout.start.v >> kAddressBits == 0 &&
                end % heap::kPageSize == 0 && end > 0 && end >> kAddressBits == 0,
            f, "an impossible arena");
    // A byte of bitmap for 32 bytes of arena, 8 bytes of span table for a page.
    Require(layout.spans_bytes.v < layout.start.v &&
                layout.bitmap_bytes.v < layout.start.v - layout.spans_bytes.v &&
                layout.bitmap_bytes.v >= end / 32 - heap::kPageSize &&
                layout.spans_bytes.v >= (end >> heap::kPageShift) * 8 - heap::kPageSize,
            f, "tables that do not fit the arena");
    Require(std::has_single_bit(header.phys_page.v) && header.phys_page.v >= 4096 &&
                header.phys_page.v <= 1 << 20,
            f, "an impossible page size");
    Require(header.chunk.v > 0 && header.chunk.v % heap::kPageSize == 0 && header.chunk.v <= end, f,
            "an impossible growth");
    cursor.Advance();
  }
  {
    Fields f = Start(cursor, Kind::kInfo2);
    Require(Dec(f, "sizeof_mspan") == kDescriptorBytes, f, "span descriptors are not of 152 bytes");
    Require(Dec(f, "sizeof_treapnode") == kTreapNodeBytes, f, "treap nodes are not of 48 bytes");
    Require(Dec(f, "huge_page") == kHugePageBytes, f, "huge pages are not of 2 MiB");
    f.End();
    cursor.Advance();
  }
  return header;
}

}  // namespace heapsim::sim::go110
