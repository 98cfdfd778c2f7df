#include "sim/conform/go119/checkpoint.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/pages/go119/layout.h"

namespace heapsim::sim::go119 {
namespace {

namespace pages = heap::go119;

class Hash {
 public:
  void Add(uint64_t word) { h_ = (h_ ^ word) * 1099511628211u; }
  uint64_t value() const { return h_; }

 private:
  uint64_t h_ = 14695981039346656037u;
};

template <typename F>
void ForEachChunk(const pages::PageBitmap& bits, F visit) {
  for (const pages::AddressRange& r : bits.ranges().ranges()) {
    const uint64_t first = pages::ChunkIndex(r.base);
    const uint64_t n = r.size().v / pages::kChunkBytes.v;
    for (uint64_t c = first; c < first + n; ++c) visit(c);
  }
}

}  // namespace

Expected CheckpointOf(const pages::PageHeap& heap, bool determined, uint64_t operations) {
  const pages::PageBitmap& bits = heap.bits();
  uint64_t free = 0, scavenged = 0, chunks = 0, marked = 0;
  Hash bitmaps, summaries;
  ForEachChunk(bits, [&](uint64_t c) {
    const pages::Chunk& chunk = bits.chunk(c);
    ++chunks;
    free += pages::kChunkPages - chunk.taken.Count();
    scavenged += chunk.scavenged.Count();
    marked += bits.index().Get(c);
    for (uint32_t w = 0; w < pages::kChunkWords; ++w) bitmaps.Add(chunk.taken.word(w));
    for (uint32_t w = 0; w < pages::kChunkWords; ++w) bitmaps.Add(chunk.scavenged.word(w));
  });
  for (int level = 0; level < pages::kLevels; ++level) {
    for (const pages::AddressRange& r : bits.ranges().ranges()) {
      const uint64_t last = pages::LevelIndex(level, r.limit - heap::Bytes(1));
      for (uint64_t i = pages::LevelIndex(level, r.base); i <= last; ++i) {
        summaries.Add(bits.tree().Entry(level, i).packed());
      }
    }
  }
  uint64_t cached = 0, cached_scavenged = 0;
  for (uint32_t p = 0; p < heap.procs(); ++p) {
    cached += static_cast<uint64_t>(std::popcount(heap.cache(p).free));
    cached_scavenged += static_cast<uint64_t>(std::popcount(heap.cache(p).scavenged));
  }
  const pages::PageCounters& c = heap.counters();
  return Expected(Kind::kCheckpoint)
      .If(determined)
      .Dec("heap_inuse", c.heap_in_use())
      .Dec("heap_free", c.heap_free)
      .Dec("heap_released", c.heap_released)
      .Dec("mapped_ready", c.mapped_ready)
      .If(true)
      .Dec("pages_in_use", c.pages_in_use)
      .Dec("free_pages", free)
      .Dec("scavenged_pages", scavenged)
      .Dec("chunks", chunks)
      .If(determined)
      .Dec("committed", c.committed)
      .Dec("released", c.released)
      .Dec("in_heap", c.in_use[0])
      .Dec("in_stacks", c.in_use[1])
      .Dec("in_workbufs", c.in_use[2])
      .Dec("in_ptrbits", c.in_use[3])
      .If(true)
      .Hex("bitmap_hash", bitmaps.value())
      .Hex("summary_hash", summaries.value())
      .Offset("search", bits.search())
      .Offset("index_search", bits.index().search())
      .Bit("index_mark", bits.index().search_marked())
      .Dec("index_bits", marked)
      .If(determined)
      .Dec("cached_pages", cached)
      .Dec("cached_scavenged", cached_scavenged)
      .If(true)
      .Dec("operations", operations);
}

std::vector<DumpLine> DumpOf(const pages::PageHeap& heap, bool caches) {
  std::vector<DumpLine> lines;
  for (uint32_t p = 0; caches && p < heap.procs(); ++p) {
    const pages::PageCache& cache = heap.cache(p);
    if (cache.empty()) continue;
    lines.push_back({Expected(Kind::kDumpCache)
                         .Dec("P", p)
                         .Offset("base", cache.base)
                         .Hex("cache", cache.free)
                         .Hex("scav", cache.scavenged)});
  }
  const pages::PageBitmap& bits = heap.bits();
  for (const pages::AddressRange& r : bits.ranges().ranges()) {
    lines.push_back({Expected(Kind::kDumpRange).Offset("from", r.base).Offset("to", r.limit)});
    const uint64_t end = pages::ChunkIndex(r.limit - heap::Bytes(1)) + 1;
    for (uint64_t c = pages::ChunkIndex(r.base); c < end;) {
      uint64_t count = 1;
      const pages::Chunk& chunk = bits.chunk(c);
      const bool bit = bits.index().Get(c);
      while (c + count < end && bits.chunk(c + count).taken == chunk.taken &&
             bits.chunk(c + count).scavenged == chunk.scavenged &&
             bits.index().Get(c + count) == bit) {
        ++count;
      }
      lines.push_back({Expected(Kind::kDumpChunks)
                           .Offset("offset", pages::ChunkBase(c))
                           .Dec("count", count)
                           .Bit("bit", bit),
                       c});
      c += count;
    }
  }
  lines.push_back({Expected(Kind::kDumpEnd)});
  return lines;
}

std::string BitmapText(const pages::PageBits& bits) {
  if (bits.Count() == pages::kChunkPages) return "*";
  std::string text;
  for (uint32_t w = pages::kChunkWords; w-- > 0;) {
    if (!text.empty()) {
      absl::StrAppend(&text, absl::Hex(bits.word(w), absl::kZeroPad16));
    } else if (bits.word(w) != 0) {
      absl::StrAppend(&text, absl::Hex(bits.word(w)));
    }
  }
  return text.empty() ? "0" : text;
}

}  // namespace heapsim::sim::go119
