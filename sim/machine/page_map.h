// Which pages of an address space are resident, which of those lazily freed, and which lie in huge
// pages: bits in chunks of 2^18 pages that exist only where something was ever touched.
//
// A resident page is in exactly one of these states:
//   ready    touching it changes nothing;
//   lazy     lazily freed (MADV_FREE): a touch takes it back, pressure drops it;
//   blocked  in an area without access; it may be lazy at the same time.
// A huge block is resident as a whole, and its pages are all lazy or all not. It is split (its
// pages stay) as soon as that would no longer hold.
//
// This class knows nothing of areas, limits or costs: sim/machine/machine.h does.
#ifndef HEAPSIM_SIM_MACHINE_PAGE_MAP_H_
#define HEAPSIM_SIM_MACHINE_PAGE_MAP_H_

#include <cstdint>
#include <map>

#include "heap/virtual_array.h"
#include "sim/machine/page_bits.h"

namespace heapsim::sim {

// A number of pages in [0, 2^47 / page size).
using PageNumber = uint64_t;

// Folds a value into a hash, the same on every machine.
inline uint64_t HashCombine(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 32);
}

// What can happen to a page. A lazy page that is dropped first ceases to be lazy.
enum class PageEvent : uint8_t { kResident, kNonResident, kLazy, kNotLazy };

// Is told of each maximal run of pages to which an operation did the same, after the bits of that
// run have changed.
class RunSink {
 public:
  virtual ~RunSink() = default;
  virtual void OnRun(PageEvent event, PageNumber begin, PageNumber end) = 0;
};

// Joins adjacent runs of one operation before it passes them on. A page's kNotLazy always comes
// before its kNonResident.
class RunJoiner {
 public:
  // `sink` may be null.
  explicit RunJoiner(RunSink* sink) : sink_(sink) {}
  RunJoiner(const RunJoiner&) = delete;
  RunJoiner& operator=(const RunJoiner&) = delete;

  void Add(PageEvent event, PageNumber begin, PageNumber end);

  // Adds the set bits of a word whose bit 0 is page `base`.
  void AddBits(PageEvent event, PageNumber base, uint64_t bits);

  // The operation is over.
  void Flush();

 private:
  struct Run {
    PageEvent event = PageEvent::kResident;
    PageNumber begin = 0;
    PageNumber end = 0;
  };
  void Emit(Run* run);

  RunSink* sink_;
  Run lazy_;       // kLazy or kNotLazy
  Run residency_;  // kResident or kNonResident
};

class PageMap {
 public:
  // Pages of 2^page_shift bytes, huge blocks of 2^huge_shift pages (at least 2, at most a chunk).
  PageMap(unsigned page_shift, unsigned huge_shift);

  unsigned huge_shift() const { return huge_shift_; }
  uint64_t huge_pages() const { return uint64_t{1} << huge_shift_; }
  PageNumber end() const { return chunks_.capacity() * PageBits::kPages; }

  // Are the pages [first, last] ready? May say no where they are in two words or out of range; says
  // yes only when they are.
  bool QuickReady(PageNumber first, PageNumber last) const {
    const uint64_t word = first / 64;
    const uint64_t chunk = first >> PageBits::kPagesShift;
    if (word != last / 64 || chunk >= ready_.capacity()) return false;
    const uint64_t mask = ~uint64_t{0} >> (63 - (last - first)) << (first % 64);
    const uint64_t* words = ready_[chunk];
    return words != nullptr && (~words[word % PageBits::kWords] & mask) == 0;
  }

  // All ranges below are [begin, end) within [0, this->end()).
  bool AllReady(PageNumber begin, PageNumber end) const;

  struct Touched {
    uint64_t fresh = 0;      // became resident
    uint64_t refaulted = 0;  // of these, dropped by advice before
    uint64_t revived = 0;    // were lazy and are no longer
  };
  // Makes the pages ready. None may be blocked.
  Touched Touch(PageNumber begin, PageNumber end, RunJoiner* runs);

  // Makes the huge block that starts at `begin`, in which nothing is resident, resident.
  Touched TouchHuge(PageNumber begin, RunJoiner* runs);

  // Why pages stop being resident.
  enum class Why {
    kUnmapped,  // nothing is known of these addresses from now on
    kReleased,  // their memory was given back: a touch is a refault
  };
  struct Dropped {
    uint64_t pages = 0;  // were resident
    uint64_t lazy = 0;   // of these, lazily freed
  };
  Dropped Drop(PageNumber begin, PageNumber end, Why why, RunJoiner* runs);

  // Makes resident pages lazy; returns how many were not before.
  uint64_t MakeLazy(PageNumber begin, PageNumber end, RunJoiner* runs);

  // Takes access from resident pages, or gives it back; returns how many pages are resident there.
  uint64_t Block(PageNumber begin, PageNumber end);
  uint64_t Unblock(PageNumber begin, PageNumber end);

  // An area now ends at `page`: a huge block cannot reach across it.
  void SplitHugeAt(PageNumber page);

  // Drops the lazy pages of lowest address, at least `wanted` of them if there are as many; a huge
  // block goes as a whole.
  Dropped ReclaimLazy(uint64_t wanted, RunJoiner* runs);

  bool IsResident(PageNumber page) const;
  bool IsLazy(PageNumber page) const;
  bool IsHuge(PageNumber page) const;
  uint64_t CountResident(PageNumber begin, PageNumber end) const;
  uint64_t CountLazy(PageNumber begin, PageNumber end) const;
  uint64_t CountReady(PageNumber begin, PageNumber end) const;
  // The first page in the range that is (not) resident or ready, or `end`.
  PageNumber NextResident(PageNumber begin, PageNumber end) const;
  PageNumber NextNonResident(PageNumber begin, PageNumber end) const;
  PageNumber NextReady(PageNumber begin, PageNumber end) const;
  PageNumber NextNotReady(PageNumber begin, PageNumber end) const;

  uint64_t resident() const { return resident_; }
  uint64_t lazy() const { return lazy_; }
  uint64_t huge_blocks() const { return huge_blocks_; }

  // Folds state and place of every resident page into `hash`, in address order. Equal states give
  // equal hashes, however they came about.
  uint64_t Hash(uint64_t hash) const;

 private:
  struct Chunk {
    PageBits ready;
    PageBits lazy;
    PageBits blocked;
    PageBits released;  // not resident since advice or pressure took the page
    PageBits huge;      // one bit a huge block
    uint64_t huge_blocks = 0;

    uint64_t Resident(size_t word) const { return ready[word] | lazy[word] | blocked[word]; }
    bool NoneResident() const { return ready.is_clear() && lazy.is_clear() && blocked.is_clear(); }
  };

  // Calls visit(chunk index, first page, one past last page; both within the chunk) for each chunk
  // that the range meets.
  template <typename Visit>
  static void ForChunks(PageNumber begin, PageNumber end, Visit visit);
  // Calls visit(word, mask) for each word that [begin, end) within a chunk meets.
  template <typename Visit>
  static void ForWords(uint64_t begin, uint64_t end, Visit visit);
  template <typename Count>
  uint64_t CountWords(PageNumber begin, PageNumber end, Count count) const;
  uint64_t CountBits(PageBits Chunk::*bits, PageNumber begin, PageNumber end) const;
  template <typename Bits>
  PageNumber NextSet(PageNumber begin, PageNumber end, uint64_t absent, Bits bits) const;

  Chunk& Get(uint64_t chunk);
  void NoteReady(uint64_t chunk) { ready_[chunk] = chunks_[chunk]->ready.words(); }
  bool IsHuge(const Chunk& chunk, uint64_t page) const {
    return chunk.huge_blocks != 0 && chunk.huge.Test(page >> huge_shift_);
  }
  uint64_t BlocksInChunk() const { return PageBits::kPages >> huge_shift_; }
  void SplitHuge(Chunk& chunk, uint64_t page);
  // Splits the huge blocks that the range covers in part.
  void SplitEnds(PageNumber begin, PageNumber end);
  // Forgets the huge blocks that the range, within a chunk, covers in part or wholly.
  void DropHuge(Chunk& chunk, uint64_t begin, uint64_t end);
  Touched TouchInChunk(uint64_t index, uint64_t begin, uint64_t end, RunJoiner* runs);
  Dropped DropInChunk(uint64_t index, uint64_t begin, uint64_t end, Why why, RunJoiner* runs);

  unsigned huge_shift_;
  // The words that a touch looks at, for every chunk, so that it needs no look at the chunk itself;
  // null where there is no chunk.
  // Memory comes with use: few chunks of an address space are ever touched.
  heap::VirtualArray<const uint64_t*> ready_;
  heap::VirtualArray<Chunk*> chunks_;
  std::map<uint64_t, Chunk> made_;  // owns them; for walks that would meet few chunks in `chunks_`
  uint64_t resident_ = 0;
  uint64_t lazy_ = 0;
  uint64_t huge_blocks_ = 0;
  // No chunk below has lazy pages.
  uint64_t first_lazy_chunk_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_PAGE_MAP_H_
