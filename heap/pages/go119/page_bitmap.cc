#include "heap/pages/go119/page_bitmap.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap::go119 {
namespace {

constexpr Bytes kSummaryBytes{sizeof(Summary)};
constexpr uint64_t kBlockChunks = 1 << 13;
constexpr Bytes kBlockBytes{kBlockChunks * sizeof(Chunk)};
constexpr int kIndexTable = 5;

}  // namespace

PageBitmap::PageBitmap(Os* os, Bytes huge_page)
    : os_(os),
      os_page_(os->PhysicalPageSize()),
      min_scavenge_pages_(
          static_cast<uint32_t>(std::max<uint64_t>(1, os->PhysicalPageSize().v >> kPageShift))),
      huge_pages_(huge_page.v > kPageSize && huge_page > os_page_
                      ? static_cast<uint32_t>(huge_page.v >> kPageShift)
                      : 0),
      chunks_(kChunks),
      blocks_(kChunks / kBlockChunks) {
  for (int level = 0; level < kLevels; ++level) {
    tables_[level] = os->Reserve(Address(), kSummaryBytes * LevelEntries(level));
  }
  tables_[kIndexTable] = os->Reserve(Address(), Bytes(kChunks / 8));
  for (const Address table : tables_) {
    if (table.is_null()) {
      Throw(FatalCode::kCannotAllocateMetadata, "failed to reserve page summary memory");
    }
  }
}

// ---------------------------------------------------------------- taking

PageBitmap::Run PageBitmap::Take(uint64_t npages) {
  Run run;
  if (search_ == kNowhere || ChunkIndex(search_) >= end_) {
    run.how = How::kNone;
    return run;
  }
  Address first_free;
  const uint64_t at = ChunkIndex(search_);
  const uint32_t page = PageInChunk(search_);
  if (kChunkPages - page >= npages && tree_.OfChunk(at).max() >= npages) {
    const Chunk::Found found = chunks_[at].Find(static_cast<uint32_t>(npages), page);
    if (found.page == kNoPage) Throw(FatalCode::kSelfCheck, "bad summary data");
    run.base = PageAddress(at, found.page);
    run.how = How::kFast;
    first_free = PageAddress(at, found.first_free);
  } else {
    const Place place = FindByTree(npages);
    if (place.base.is_null()) {
      // Not a single page: nothing is free anywhere.
      if (npages == 1) search_ = kNowhere;
      return run;
    }
    run.base = place.base;
    run.how = How::kTree;
    first_free = place.first_free;
  }
  run.scavenged = SetTaken(run.base, npages);
  if (search_ < first_free) search_ = first_free;
  return run;
}

PageBitmap::Place PageBitmap::FindByTree(uint64_t npages) const {
  SummaryTree::Found found = tree_.Find(npages, search_);
  if (found.what == SummaryTree::Found::kNothing) return {};
  Address base = found.run;
  if (found.what == SummaryTree::Found::kChunk) {
    const Chunk::Found in = chunks_[found.chunk].Find(static_cast<uint32_t>(npages), 0);
    if (in.page == kNoPage) Throw(FatalCode::kSelfCheck, "bad summary data");
    base = PageAddress(found.chunk, in.page);
    SummaryTree::Narrow(&found, PageAddress(found.chunk, in.first_free),
                        ChunkBase(found.chunk + 1) - Bytes(1));
  }
  return {base, KnownFrom(found.window_base)};
}

Address PageBitmap::KnownFrom(Address a) const {
  if (reserved_.Contains(a)) return a;
  const Address known = ranges_.AtOrAbove(a);
  return known.is_null() ? kNowhere : known;
}

PageBitmap::Refilled PageBitmap::TakeBlock() {
  Refilled refilled;
  if (search_ == kNowhere || ChunkIndex(search_) >= end_) {
    refilled.how = How::kNone;
    return refilled;
  }
  Address first;
  const uint64_t at = ChunkIndex(search_);
  if (!tree_.OfChunk(at).empty()) {
    const Chunk::Found found = chunks_[at].Find(1, PageInChunk(search_));
    if (found.page == kNoPage) Throw(FatalCode::kSelfCheck, "bad summary data");
    first = PageAddress(at, found.page);
    refilled.how = How::kFast;
  } else {
    first = FindByTree(1).base;
    if (first.is_null()) {
      search_ = kNowhere;
      return refilled;
    }
    refilled.how = How::kTree;
  }
  const uint64_t c = ChunkIndex(first);
  const uint32_t word = PageInChunk(first) / 64;
  Chunk& chunk = chunks_[c];
  PageCache& cache = refilled.cache;
  cache.base = PageAddress(c, word * 64);
  cache.free = ~chunk.taken.word(word);
  cache.scavenged = chunk.scavenged.word(word) & cache.free;
  chunk.taken.SetBits(word, cache.free);
  chunk.scavenged.ClearBits(word, cache.free);
  UpdateChunks(c, c);
  // The block's last page, taken or not: the page behind may lie beyond the heap.
  search_ = PageAddress(c, word * 64 + 63);
  return refilled;
}

void PageBitmap::Flush(PageCache* cache) {
  if (cache->empty()) return;  // it still knows where its pages were
  const uint64_t c = ChunkIndex(cache->base);
  const uint32_t word = PageInChunk(cache->base) / 64;
  chunks_[c].taken.ClearBits(word, cache->free);
  chunks_[c].scavenged.SetBits(word, cache->scavenged);
  Lower(cache->base);
  UpdateChunks(c, c);
  *cache = PageCache();
}

uint32_t PageBitmap::SetTaken(Address base, uint64_t npages) {
  const uint64_t first = ChunkIndex(base), last = ChunkIndex(base + Pages(npages - 1).bytes());
  uint32_t scavenged = 0;
  uint32_t page = PageInChunk(base);
  for (uint64_t c = first; c <= last; ++c, page = 0) {
    const uint32_t n = static_cast<uint32_t>(std::min<uint64_t>(npages, kChunkPages - page));
    Chunk& chunk = chunks_[c];
    scavenged += chunk.scavenged.CountRange(page, n);
    chunk.scavenged.ClearRange(page, n);
    chunk.taken.SetRange(page, n);
    npages -= n;
  }
  UpdateChunks(first, last);
  return scavenged;
}

void PageBitmap::Free(Address base, uint64_t npages) {
  Lower(base);
  index_.Mark({base, base + Pages(npages).bytes()});
  const uint64_t first = ChunkIndex(base), last = ChunkIndex(base + Pages(npages - 1).bytes());
  uint32_t page = PageInChunk(base);
  for (uint64_t c = first; c <= last; ++c, page = 0) {
    const uint32_t n = static_cast<uint32_t>(std::min<uint64_t>(npages, kChunkPages - page));
    chunks_[c].taken.ClearRange(page, n);
    npages -= n;
  }
  UpdateChunks(first, last);
}

void PageBitmap::UpdateChunks(uint64_t first, uint64_t last) {
  for (uint64_t c = first; c <= last; ++c) tree_.SetChunk(c, chunks_[c].Summarize());
  tree_.Update(first, last);
}

bool PageBitmap::AllTaken(Address base, uint64_t npages) const {
  uint32_t page = PageInChunk(base);
  for (uint64_t c = ChunkIndex(base); npages > 0; ++c, page = 0) {
    const uint32_t n = static_cast<uint32_t>(std::min<uint64_t>(npages, kChunkPages - page));
    if (c >= end_ || chunks_[c].taken.CountRange(page, n) != n) return false;
    npages -= n;
  }
  return true;
}

// ---------------------------------------------------------------- growing

void PageBitmap::MapTable(Table table, AddressRange need, Bytes length, TableMapped mapped) {
  const Address base = tables_[static_cast<int>(table)];
  if (!os_->Map(MapArea::kBitmap, base + Bytes(need.base.v), length, SysStat::kGc)) {
    Throw(FatalCode::kCannotMap, "runtime: cannot map pages in arena address space");
  }
  table_bytes_ += length.v;
  mapped(table, need.base.v, length);
}

void PageBitmap::Grow(AddressRange range, TableMapped mapped) {
  // The bytes of a level's table that an address range needs: whole blocks of entries, as whole OS
  // pages.
  const auto table_range = [&](int level, const AddressRange& r) {
    const uint64_t block = uint64_t{1} << BlockBits(level);
    const uint64_t first = RoundDown(LevelIndex(level, r.base), block);
    const uint64_t end = RoundUp(LevelIndex(level, r.limit - Bytes(1)) + 1, block);
    return AddressRange{Address(RoundDown(first * kSummaryBytes.v, os_page_.v)),
                        Address(RoundUp(end * kSummaryBytes.v, os_page_.v))};
  };
  const size_t place = ranges_.After(range.base);
  for (int level = 0; level < kLevels; ++level) {
    AddressRange need = table_range(level, range);
    if (place > 0) need = need.Without(table_range(level, ranges_.ranges()[place - 1]));
    if (place < ranges_.ranges().size()) {
      need = need.Without(table_range(level, ranges_.ranges()[place]));
    }
    if (!need.empty()) MapTable(static_cast<Table>(level), need, need.size(), mapped);
    // The entries are written below.
    const uint64_t first = LevelIndex(level, range.base);
    os_->Touch(tables_[level] + kSummaryBytes * first,
               kSummaryBytes * (LevelIndex(level, range.limit - Bytes(1)) + 1 - first));
  }
  if (const AddressRange need = index_.Grow(range, os_page_); !need.empty()) {
    MapTable(Table::kIndex, need, need.size(), mapped);
  }

  const uint64_t first = ChunkIndex(range.base);
  const uint64_t end = ChunkIndex(range.limit - Bytes(1)) + 1;
  end_ = std::max(end_, end);
  ranges_.Add(range);
  Lower(range.base);
  for (uint64_t c = first; c < end; ++c) {
    Address& block = blocks_[c / kBlockChunks];
    if (block.is_null()) {
      block = os_->Alloc(kBlockBytes, SysStat::kGc);
      if (block.is_null()) {
        Throw(FatalCode::kCannotAllocateMetadata,
              "pageAlloc: failed to allocate memory for bitmap chunks");
      }
      table_bytes_ += kBlockBytes.v;
      mapped(Table::kChunks, c / kBlockChunks, kBlockBytes);
    }
    os_->Touch(block + Bytes(c % kBlockChunks * sizeof(Chunk)), Bytes(sizeof(Chunk)));
    chunks_[c].scavenged.SetRange(0, kChunkPages);
  }
  UpdateChunks(first, end - 1);
}

// ---------------------------------------------------------------- scavenging

PageBitmap::Piece PageBitmap::TakeToScavenge(uint64_t chunk, uint64_t wanted) {
  if (tree_.OfChunk(chunk).max() >= min_scavenge_pages_) {
    const uint64_t max_pages = wanted / kPageSize + (wanted % kPageSize != 0 ? 1 : 0);
    const Chunk::Candidate c =
        chunks_[chunk].ScavengeCandidate(min_scavenge_pages_, max_pages, huge_pages_);
    if (c.count != 0) {
      const Address base = PageAddress(chunk, c.page);
      if (SetTaken(base, c.count) != 0) Throw(FatalCode::kSelfCheck, "double scavenge");
      return {base, c.count};
    }
  }
  index_.Clear(chunk);
  return {};
}

PageBitmap::Piece PageBitmap::TakeLowest(Address base, Address end) {
  const Pages step(min_scavenge_pages_);
  Piece piece;
  for (Address a = base; a + step.bytes() <= end; a = a + step.bytes()) {
    const Chunk& chunk = chunks_[ChunkIndex(a)];
    const uint32_t page = PageInChunk(a);
    const bool fits = chunk.taken.CountRange(page, min_scavenge_pages_) == 0 &&
                      chunk.scavenged.CountRange(page, min_scavenge_pages_) == 0;
    if (piece.npages != 0 && (!fits || page == 0)) break;
    if (!fits) continue;
    if (piece.npages == 0) piece.base = a;
    piece.npages += min_scavenge_pages_;
  }
  if (piece.npages != 0) SetTaken(piece.base, piece.npages);
  return piece;
}

void PageBitmap::Scavenged(Piece piece) {
  Lower(piece.base);
  const uint64_t c = ChunkIndex(piece.base);
  const uint32_t page = PageInChunk(piece.base);
  chunks_[c].taken.ClearRange(page, piece.npages);
  chunks_[c].scavenged.SetRange(page, piece.npages);
  UpdateChunks(c, c);
}

// ---------------------------------------------------------------- self-check

void PageBitmap::SelfCheck() const {
  const auto fail = [](Address a, const char* what) {
    Throw(FatalCode::kSelfCheck, absl::StrCat("pages at 0x", absl::Hex(a.v), ": ", what));
  };
  for (const AddressRange& r : ranges_.ranges()) {
    for (Address a = r.base; a < r.limit; a = a + kChunkBytes) {
      const uint64_t c = ChunkIndex(a);
      const Chunk& chunk = chunks_[c];
      if (!(chunk.Summarize() == tree_.OfChunk(c))) fail(a, "the summary of a chunk is wrong");
      for (uint32_t w = 0; w < kChunkWords; ++w) {
        if ((chunk.taken.word(w) & chunk.scavenged.word(w)) != 0) {
          fail(a, "a page is taken and scavenged");
        }
        if (a + Pages((w + 1) * 64).bytes() <= search_ && chunk.taken.word(w) != ~uint64_t{0}) {
          fail(a, "a page below the search address is free");
        }
      }
    }
    for (int level = 0; level < kLevels - 1; ++level) {
      for (uint64_t i = LevelIndex(level, r.base); i <= LevelIndex(level, r.limit - Bytes(1));
           ++i) {
        Summary below[1 << kLevelBits];
        for (uint64_t j = 0; j < 1 << kLevelBits; ++j) {
          below[j] = tree_.Entry(level + 1, (i << kLevelBits) + j);
        }
        if (!(Summary::Merge(below, LevelPagesLog(level + 1)) == tree_.Entry(level, i))) {
          fail(r.base, "a summary is not that of the entries below it");
        }
      }
    }
  }
}

}  // namespace heapsim::heap::go119
