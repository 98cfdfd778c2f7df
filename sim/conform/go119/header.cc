#include "sim/conform/go119/header.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/linux_mem.h"
#include "heap/pages/go119/layout.h"
#include "sim/conform/fields.h"
#include "sim/conform/go119/line.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go119 {
namespace {

namespace pages = heap::go119;

constexpr uint64_t kBase = 0xc000000000;
constexpr uint64_t kMaxProcs = 1 << 16;

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

// A value that is part of the allocator's design.
void Fixed(const Fields& fields, absl::string_view name, uint64_t is, uint64_t must) {
  if (is == must) return;
  throw BadLog{fields.line(), absl::StrCat("`", name, "` is not that of Go 1.19")};
}

}  // namespace

Header ReadHeader(LineCursor& cursor) {
  Header header;
  {
    Fields f = Start(cursor, Kind::kVersion);
    Name(f, "1");
    Name(f, "go1.19");
    Name(f, "linux/amd64");
    Name(f, "title");
    header.title = std::string(f.Word());
    header.procs = Dec(f, "procs");
    f.End();
    if (header.procs == 0 || header.procs > kMaxProcs) f.Bad("an impossible number of processors");
    cursor.Advance();
  }
  Fields f = Start(cursor, Kind::kInfo);
  const uint64_t base = Hex(f, "base");
  Fixed(f, "base", base, kBase);
  header.base = heap::Address(base);
  Fixed(f, "page", Dec(f, "page"), heap::kPageSize);
  header.phys_page = heap::Bytes(Dec(f, "phys_page"));
  if (!std::has_single_bit(header.phys_page.v) || header.phys_page.v < 4096 ||
      header.phys_page.v > 512 << 10) {
    f.Bad("an impossible page size");
  }
  header.huge_page = heap::Bytes(Dec(f, "huge_page"));
  if (header.huge_page.v != 0 && header.huge_page != heap::kHugePageSize) {
    f.Bad("huge pages are not of 2 MiB");
  }
  Fixed(f, "chunk_pages", Dec(f, "chunk_pages"), pages::kChunkPages);
  Fixed(f, "levels", Dec(f, "levels"), pages::kLevels);
  Fixed(f, "level0_bits", Dec(f, "level0_bits"), pages::kRootBits);
  Fixed(f, "level_bits", Dec(f, "level_bits"), pages::kLevelBits);
  Fixed(f, "map_l1_bits", Dec(f, "map_l1_bits"), 13);
  Fixed(f, "cache_pages", Dec(f, "cache_pages"), pages::kCachePages);
  Fixed(f, "arena", Hex(f, "arena"), pages::kArenaBytes.v);
  Hex(f, "arena_meta");
  Fixed(f, "base_offset", Hex(f, "base_offset"), ~pages::kIndexOffset + 1);
  header.mapped_ready = Dec(f, "mapped_ready");
  f.End();
  cursor.Advance();
  return header;
}

}  // namespace heapsim::sim::go119
