// Go 1.19's page allocator proper (the runtime's mpagealloc.go): free memory is one bit a page, the
// lowest run that fits is taken. Beside it stand the radix tree that finds that run, the bits of
// what is scavenged, and the index of where to scavenge.
#ifndef HEAPSIM_HEAP_PAGES_GO119_PAGE_BITMAP_H_
#define HEAPSIM_HEAP_PAGES_GO119_PAGE_BITMAP_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "heap/pages/go119/address_ranges.h"
#include "heap/pages/go119/chunk.h"
#include "heap/pages/go119/layout.h"
#include "heap/pages/go119/page_cache.h"
#include "heap/pages/go119/scavenge_index.h"
#include "heap/pages/go119/summary_tree.h"
#include "heap/seams.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap::go119 {

// How a search ended: in the chunk of the search address, by the tree, not begun since nothing is
// known beyond the search address, without success.
enum class How : uint8_t { kFast, kTree, kNone, kFail };

// The allocator's own tables, which grow with the address range that it knows.
enum class Table : uint8_t { kLevel0, kLevel1, kLevel2, kLevel3, kLevel4, kIndex, kChunks };

class PageBitmap {
 public:
  // Told of each piece of a table that is mapped: bytes from the table's start, but for kChunks the
  // number of the block of chunks.
  using TableMapped = absl::FunctionRef<void(Table, uint64_t offset, Bytes length)>;

  // Reserves the tables. huge_page: 0 where the system has none. `os` must outlive it.
  PageBitmap(Os* os, Bytes huge_page);

  struct Run {
    Address base;  // null: there is none
    uint32_t scavenged = 0;
    How how = How::kFail;
  };
  // Takes the lowest run of `npages` > 0 pages.
  Run Take(uint64_t npages);

  // Takes all free pages of the block of 64 with the lowest free page.
  struct Refilled {
    PageCache cache;
    How how = How::kFail;
  };
  Refilled TakeBlock();
  // Takes back what a cache still holds, and empties it.
  void Flush(PageCache* cache);

  void Free(Address base, uint64_t npages);

  // The address space of whole arenas is reserved: searches may start there.
  void AddReserved(AddressRange range) { reserved_.Add(range); }
  // Adds a range of whole chunks that was never known before: free, and scavenged. Throws
  // kCannotMap, kCannotAllocateMetadata.
  void Grow(AddressRange range, TableMapped mapped);

  // The chunk to look in for something to scavenge.
  ScavengeIndex::Found NextToScavenge() { return index_.Find(); }
  // Takes up to `wanted` bytes of free pages out of the chunk, to be given back to the system;
  // where there are none, the chunk's mark goes. See Chunk::ScavengeCandidate.
  struct Piece {
    Address base;
    uint32_t npages = 0;  // 0: there is none
  };
  Piece TakeToScavenge(uint64_t chunk, uint64_t wanted);
  // The same for the lowest pages of [base, end) that are free and not scavenged, whole OS pages of
  // one chunk.
  Piece TakeLowest(Address base, Address end);
  // They were given back: free and scavenged.
  void Scavenged(Piece piece);

  // Nothing free lies below.
  Address search() const { return search_; }
  const ScavengeIndex& index() const { return index_; }
  const AddressRanges& ranges() const { return ranges_; }
  const Chunk& chunk(uint64_t i) const { return chunks_[i]; }
  const SummaryTree& tree() const { return tree_; }
  // Bytes of the tables, mapped.
  uint64_t table_bytes() const { return table_bytes_; }
  bool AllTaken(Address base, uint64_t npages) const;

  // Throws kSelfCheck where the tree and the bits disagree.
  void SelfCheck() const;

 private:
  uint32_t SetTaken(Address base, uint64_t npages);  // how many were scavenged
  void UpdateChunks(uint64_t first, uint64_t last);
  void Lower(Address to) {
    if (to < search_) search_ = to;
  }
  // Where the tree's window puts the search address: an address that is known, or nowhere.
  Address KnownFrom(Address a) const;
  struct Place {
    Address base;  // null: none
    Address first_free;
  };
  Place FindByTree(uint64_t npages) const;
  void MapTable(Table table, AddressRange need, Bytes length, TableMapped mapped);

  Os* os_;
  Bytes os_page_;
  uint32_t min_scavenge_pages_;  // heap pages in an OS page, at least 1
  uint32_t huge_pages_;          // heap pages in a huge page, 0: not to be minded
  SummaryTree tree_;
  ScavengeIndex index_;
  VirtualArray<Chunk> chunks_;
  std::array<Address, 6> tables_;  // the levels and the index, in simulated memory
  std::vector<Address> blocks_;    // of 2^13 chunks' bits each; null: not allocated
  AddressRanges ranges_, reserved_;
  Address search_ = kNowhere;
  uint64_t end_ = 0;  // chunk behind the highest known
  uint64_t table_bytes_ = 0;
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_PAGE_BITMAP_H_
