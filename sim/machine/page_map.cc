#include "sim/machine/page_map.h"

#include <algorithm>
#include <bit>

namespace heapsim::sim {
namespace {

constexpr uint64_t kAll = ~uint64_t{0};

// Bits at and above `bit`; bits below `bit` (1..64).
constexpr uint64_t From(uint64_t bit) { return kAll << bit; }
constexpr uint64_t Below(uint64_t bit) { return kAll >> (64 - bit); }

// Most words are uniform, and without -mpopcnt a count is a dozen instructions.
uint64_t Count(uint64_t word) {
  if (word == 0) return 0;
  if (word == kAll) return 64;
  return std::popcount(word);
}

}  // namespace

void RunJoiner::Emit(Run* run) {
  if (run->begin == run->end) return;
  const Run done = *run;
  *run = Run();
  sink_->OnRun(done.event, done.begin, done.end);
}

void RunJoiner::Add(PageEvent event, PageNumber begin, PageNumber end) {
  if (sink_ == nullptr) return;
  const bool lazy = event == PageEvent::kLazy || event == PageEvent::kNotLazy;
  Run& run = lazy ? lazy_ : residency_;
  if (run.begin != run.end && run.end == begin && run.event == event) {
    run.end = end;
    return;
  }
  if (!lazy && run.begin != run.end) Emit(&lazy_);
  Emit(&run);
  run = Run{event, begin, end};
}

void RunJoiner::AddBits(PageEvent event, PageNumber base, uint64_t bits) {
  if (sink_ == nullptr) return;
  while (bits != 0) {
    const unsigned begin = std::countr_zero(bits);
    const unsigned length = std::countr_one(bits >> begin);
    Add(event, base + begin, base + begin + length);
    if (begin + length == 64) return;
    bits &= From(begin + length);
  }
}

void RunJoiner::Flush() {
  Emit(&lazy_);
  Emit(&residency_);
}

PageMap::PageMap(unsigned page_shift, unsigned huge_shift)
    : huge_shift_(huge_shift),
      ready_(uint64_t{1} << (47 - page_shift - PageBits::kPagesShift)),
      chunks_(ready_.capacity()) {}

template <typename Visit>
void PageMap::ForChunks(PageNumber begin, PageNumber end, Visit visit) {
  while (begin < end) {
    const uint64_t chunk = begin >> PageBits::kPagesShift;
    const PageNumber chunk_begin = chunk << PageBits::kPagesShift;
    const PageNumber stop = std::min(end, chunk_begin + PageBits::kPages);
    visit(chunk, begin - chunk_begin, stop - chunk_begin);
    begin = stop;
  }
}

template <typename Visit>
void PageMap::ForWords(uint64_t begin, uint64_t end, Visit visit) {
  const uint64_t first = begin / 64;
  const uint64_t last = (end - 1) / 64;
  for (uint64_t word = first; word <= last; ++word) {
    uint64_t mask = kAll;
    if (word == first) mask &= From(begin % 64);
    if (word == last) mask &= Below((end - 1) % 64 + 1);
    visit(word, mask);
  }
}

PageMap::Chunk& PageMap::Get(uint64_t chunk) {
  if (chunks_[chunk] == nullptr) chunks_[chunk] = &made_[chunk];
  return *chunks_[chunk];
}

bool PageMap::AllReady(PageNumber begin, PageNumber end) const {
  while (begin < end) {
    const uint64_t chunk = begin >> PageBits::kPagesShift;
    const PageNumber chunk_begin = chunk << PageBits::kPagesShift;
    const PageNumber stop = std::min(end, chunk_begin + PageBits::kPages);
    const uint64_t* words = ready_[chunk];
    if (words == nullptr || words == PageBits::AllClear()) return false;
    if (words != PageBits::AllSet()) {
      const uint64_t last = (stop - 1 - chunk_begin) / 64;
      uint64_t word = (begin - chunk_begin) / 64;
      uint64_t mask = From(begin % 64);
      for (; word < last; ++word, mask = kAll) {
        if ((~words[word] & mask) != 0) return false;
      }
      mask &= Below((stop - 1) % 64 + 1);
      if ((~words[last] & mask) != 0) return false;
    }
    begin = stop;
  }
  return true;
}

PageMap::Touched PageMap::TouchInChunk(uint64_t index, uint64_t begin, uint64_t end,
                                       RunJoiner* runs) {
  Touched result;
  Chunk& chunk = Get(index);
  const PageNumber base = index << PageBits::kPagesShift;
  if (begin == 0 && end == PageBits::kPages && chunk.NoneResident()) {
    if (chunk.released.is_set()) {
      result.refaulted = PageBits::kPages;
    } else if (!chunk.released.is_clear()) {
      for (size_t w = 0; w < PageBits::kWords; ++w) result.refaulted += Count(chunk.released[w]);
    }
    chunk.released.Clear();
    chunk.ready.Set();
    result.fresh = PageBits::kPages;
    NoteReady(index);
    runs->Add(PageEvent::kResident, base, base + PageBits::kPages);
    return result;
  }
  if (chunk.ready.is_set()) return result;
  uint64_t* ready = chunk.ready.Mutable();
  NoteReady(index);
  ForWords(begin, end, [&](uint64_t word, uint64_t mask) {
    const uint64_t changed = mask & ~ready[word];
    if (changed == 0) return;
    const uint64_t revived = changed & chunk.lazy[word];
    const uint64_t fresh = changed & ~revived;
    ready[word] |= changed;
    if (revived != 0) {
      chunk.lazy.Mutable()[word] &= ~revived;
      result.revived += Count(revived);
      runs->AddBits(PageEvent::kNotLazy, base + word * 64, revived);
    }
    if (fresh != 0) {
      const uint64_t refaulted = fresh & chunk.released[word];
      if (refaulted != 0) {
        chunk.released.Mutable()[word] &= ~refaulted;
        result.refaulted += Count(refaulted);
      }
      result.fresh += Count(fresh);
      runs->AddBits(PageEvent::kResident, base + word * 64, fresh);
    }
  });
  return result;
}

PageMap::Touched PageMap::Touch(PageNumber begin, PageNumber end, RunJoiner* runs) {
  // Writing to a lazily freed huge page takes all of it back.
  if (lazy_ != 0 && huge_blocks_ != 0) {
    const PageNumber block = huge_pages() - 1;
    if (IsHuge(begin)) begin &= ~block;
    if (IsHuge(end - 1)) end = (end + block) & ~block;
  }
  Touched result;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    const Touched part = TouchInChunk(index, from, to, runs);
    result.fresh += part.fresh;
    result.refaulted += part.refaulted;
    result.revived += part.revived;
  });
  resident_ += result.fresh;
  lazy_ -= result.revived;
  return result;
}

PageMap::Touched PageMap::TouchHuge(PageNumber begin, RunJoiner* runs) {
  const Touched result = Touch(begin, begin + huge_pages(), runs);
  Chunk& chunk = *chunks_[begin >> PageBits::kPagesShift];
  const uint64_t block = (begin & (PageBits::kPages - 1)) >> huge_shift_;
  chunk.huge.Mutable()[block / 64] |= uint64_t{1} << (block % 64);
  ++chunk.huge_blocks;
  ++huge_blocks_;
  return result;
}

void PageMap::SplitHuge(Chunk& chunk, uint64_t page) {
  if (!IsHuge(chunk, page)) return;
  const uint64_t block = page >> huge_shift_;
  chunk.huge.Mutable()[block / 64] &= ~(uint64_t{1} << (block % 64));
  --chunk.huge_blocks;
  --huge_blocks_;
}

void PageMap::SplitHugeAt(PageNumber page) {
  if (huge_blocks_ == 0 || (page & (huge_pages() - 1)) == 0) return;
  const uint64_t index = page >> PageBits::kPagesShift;
  if (index >= chunks_.capacity() || chunks_[index] == nullptr) return;
  SplitHuge(*chunks_[index], page & (PageBits::kPages - 1));
}

void PageMap::SplitEnds(PageNumber begin, PageNumber end) {
  SplitHugeAt(begin);
  SplitHugeAt(end);
}

void PageMap::DropHuge(Chunk& chunk, uint64_t begin, uint64_t end) {
  if (chunk.huge_blocks == 0) return;
  uint64_t gone = 0;
  uint64_t* huge = chunk.huge.Mutable();
  ForWords(begin >> huge_shift_, ((end - 1) >> huge_shift_) + 1, [&](uint64_t word, uint64_t mask) {
    gone += Count(huge[word] & mask);
    huge[word] &= ~mask;
  });
  chunk.huge_blocks -= gone;
  huge_blocks_ -= gone;
}

PageMap::Dropped PageMap::DropInChunk(uint64_t index, uint64_t begin, uint64_t end, Why why,
                                      RunJoiner* runs) {
  Dropped result;
  if (chunks_[index] == nullptr) return result;
  Chunk& chunk = *chunks_[index];
  DropHuge(chunk, begin, end);
  const PageNumber base = index << PageBits::kPagesShift;
  const bool whole = begin == 0 && end == PageBits::kPages;
  if (chunk.NoneResident()) {
    if (why == Why::kUnmapped && !chunk.released.is_clear()) {
      if (whole) {
        chunk.released.Clear();
      } else {
        uint64_t* released = chunk.released.Mutable();
        ForWords(begin, end, [&](uint64_t word, uint64_t mask) { released[word] &= ~mask; });
      }
    }
    return result;
  }
  if (whole && chunk.ready.is_set()) {
    result.pages = PageBits::kPages;
    runs->Add(PageEvent::kNonResident, base, base + PageBits::kPages);
    if (why == Why::kReleased) chunk.released.Set();
  } else {
    const bool any_lazy = !chunk.lazy.is_clear();
    const bool any_blocked = !chunk.blocked.is_clear();
    uint64_t* ready = chunk.ready.Mutable();
    uint64_t* lazy = any_lazy ? chunk.lazy.Mutable() : nullptr;
    uint64_t* blocked = any_blocked ? chunk.blocked.Mutable() : nullptr;
    const bool forget = why == Why::kUnmapped;
    uint64_t* released = forget && chunk.released.is_clear() ? nullptr : chunk.released.Mutable();
    ForWords(begin, end, [&](uint64_t word, uint64_t mask) {
      uint64_t gone = ready[word] & mask;
      ready[word] &= ~mask;
      if (any_lazy) {
        const uint64_t lazy_gone = lazy[word] & mask;
        gone |= lazy_gone;
        lazy[word] &= ~mask;
        result.lazy += Count(lazy_gone);
        runs->AddBits(PageEvent::kNotLazy, base + word * 64, lazy_gone);
      }
      if (any_blocked) {
        gone |= blocked[word] & mask;
        blocked[word] &= ~mask;
      }
      if (forget) {
        if (released != nullptr) released[word] &= ~mask;
      } else {
        released[word] |= gone;
      }
      if (gone == 0) return;
      result.pages += Count(gone);
      runs->AddBits(PageEvent::kNonResident, base + word * 64, gone);
    });
  }
  if (whole) {
    chunk.ready.Clear();
    chunk.lazy.Clear();
    chunk.blocked.Clear();
    if (why == Why::kUnmapped) chunk.released.Clear();
  }
  NoteReady(index);
  return result;
}

PageMap::Dropped PageMap::Drop(PageNumber begin, PageNumber end, Why why, RunJoiner* runs) {
  Dropped result;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    const Dropped part = DropInChunk(index, from, to, why, runs);
    result.pages += part.pages;
    result.lazy += part.lazy;
  });
  resident_ -= result.pages;
  lazy_ -= result.lazy;
  return result;
}

uint64_t PageMap::MakeLazy(PageNumber begin, PageNumber end, RunJoiner* runs) {
  SplitEnds(begin, end);
  uint64_t made = 0;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    if (chunks_[index] == nullptr || chunks_[index]->NoneResident()) return;
    Chunk& chunk = *chunks_[index];
    const PageNumber base = index << PageBits::kPagesShift;
    first_lazy_chunk_ = std::min(first_lazy_chunk_, index);
    if (from == 0 && to == PageBits::kPages && chunk.ready.is_set()) {
      chunk.ready.Clear();
      chunk.lazy.Set();
      made += PageBits::kPages;
      runs->Add(PageEvent::kLazy, base, base + PageBits::kPages);
    } else {
      uint64_t* ready = chunk.ready.Mutable();
      uint64_t* lazy = chunk.lazy.Mutable();
      ForWords(from, to, [&](uint64_t word, uint64_t mask) {
        const uint64_t fresh = mask & (ready[word] | chunk.blocked[word]) & ~lazy[word];
        lazy[word] |= fresh;
        ready[word] &= ~mask;
        made += Count(fresh);
        runs->AddBits(PageEvent::kLazy, base + word * 64, fresh);
      });
    }
    NoteReady(index);
  });
  lazy_ += made;
  return made;
}

uint64_t PageMap::Block(PageNumber begin, PageNumber end) {
  SplitEnds(begin, end);
  uint64_t pages = 0;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    if (chunks_[index] == nullptr || chunks_[index]->NoneResident()) return;
    Chunk& chunk = *chunks_[index];
    uint64_t* ready = chunk.ready.Mutable();
    uint64_t* blocked = chunk.blocked.Mutable();
    ForWords(from, to, [&](uint64_t word, uint64_t mask) {
      blocked[word] |= chunk.Resident(word) & mask;
      ready[word] &= ~mask;
      pages += Count(blocked[word] & mask);
    });
    NoteReady(index);
  });
  return pages;
}

uint64_t PageMap::Unblock(PageNumber begin, PageNumber end) {
  SplitEnds(begin, end);
  uint64_t pages = 0;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    if (chunks_[index] == nullptr || chunks_[index]->blocked.is_clear()) return;
    Chunk& chunk = *chunks_[index];
    uint64_t* ready = chunk.ready.Mutable();
    uint64_t* blocked = chunk.blocked.Mutable();
    ForWords(from, to, [&](uint64_t word, uint64_t mask) {
      const uint64_t freed = blocked[word] & mask;
      ready[word] |= freed & ~chunk.lazy[word];
      blocked[word] &= ~mask;
      pages += Count(freed);
    });
    NoteReady(index);
  });
  return pages;
}

PageMap::Dropped PageMap::ReclaimLazy(uint64_t wanted, RunJoiner* runs) {
  Dropped result;
  for (auto it = made_.lower_bound(first_lazy_chunk_); it != made_.end(); ++it) {
    const auto& [index, chunk] = *it;
    first_lazy_chunk_ = index;
    if (lazy_ == 0) break;
    if (chunk.lazy.is_clear()) continue;
    const PageNumber base = index << PageBits::kPagesShift;
    for (size_t word = 0; word < PageBits::kWords; ++word) {
      while (chunk.lazy[word] != 0) {
        if (result.pages >= wanted) return result;
        const uint64_t page = word * 64 + std::countr_zero(chunk.lazy[word]);
        const uint64_t length = IsHuge(chunk, page) ? huge_pages() : 1;
        const Dropped part = Drop(base + page, base + page + length, Why::kReleased, runs);
        result.pages += part.pages;
        result.lazy += part.lazy;
      }
    }
  }
  return result;
}

bool PageMap::IsResident(PageNumber page) const {
  const Chunk* chunk = page < end() ? chunks_[page >> PageBits::kPagesShift] : nullptr;
  if (chunk == nullptr) return false;
  const uint64_t bit = page & (PageBits::kPages - 1);
  return (chunk->Resident(bit / 64) >> (bit % 64)) & 1;
}

bool PageMap::IsLazy(PageNumber page) const {
  const Chunk* chunk = page < end() ? chunks_[page >> PageBits::kPagesShift] : nullptr;
  return chunk != nullptr && chunk->lazy.Test(page & (PageBits::kPages - 1));
}

bool PageMap::IsHuge(PageNumber page) const {
  const Chunk* chunk = page < end() ? chunks_[page >> PageBits::kPagesShift] : nullptr;
  return chunk != nullptr && IsHuge(*chunk, page & (PageBits::kPages - 1));
}

template <typename Counter>
uint64_t PageMap::CountWords(PageNumber begin, PageNumber end, Counter count) const {
  uint64_t total = 0;
  ForChunks(begin, end, [&](uint64_t index, uint64_t from, uint64_t to) {
    if (chunks_[index] != nullptr) total += count(*chunks_[index], from, to);
  });
  return total;
}

uint64_t PageMap::CountResident(PageNumber begin, PageNumber end) const {
  return CountWords(begin, end, [](const Chunk& chunk, uint64_t from, uint64_t to) -> uint64_t {
    if (chunk.ready.is_set()) return to - from;
    if (chunk.NoneResident()) return 0;
    uint64_t total = 0;
    ForWords(from, to,
             [&](uint64_t word, uint64_t mask) { total += Count(chunk.Resident(word) & mask); });
    return total;
  });
}

uint64_t PageMap::CountBits(PageBits Chunk::*bits, PageNumber begin, PageNumber end) const {
  return CountWords(begin, end, [bits](const Chunk& chunk, uint64_t from, uint64_t to) -> uint64_t {
    const PageBits& words = chunk.*bits;
    if (words.is_clear()) return 0;
    if (words.is_set()) return to - from;
    uint64_t total = 0;
    ForWords(from, to, [&](uint64_t word, uint64_t mask) { total += Count(words[word] & mask); });
    return total;
  });
}

uint64_t PageMap::CountLazy(PageNumber begin, PageNumber end) const {
  return CountBits(&Chunk::lazy, begin, end);
}

uint64_t PageMap::CountReady(PageNumber begin, PageNumber end) const {
  return CountBits(&Chunk::ready, begin, end);
}

// `bits(chunk, word)` is what to look for; `absent` that of a chunk that does not exist.
template <typename Bits>
PageNumber PageMap::NextSet(PageNumber begin, PageNumber end, uint64_t absent, Bits bits) const {
  while (begin < end) {
    const uint64_t index = begin >> PageBits::kPagesShift;
    const Chunk* chunk = chunks_[index];
    if (chunk == nullptr) {
      if (absent != 0) return begin;
      begin = (index + 1) << PageBits::kPagesShift;
      continue;
    }
    const uint64_t word = (begin & (PageBits::kPages - 1)) / 64;
    const uint64_t found = bits(*chunk, word) & From(begin % 64);
    if (found != 0) return std::min(end, (begin & ~uint64_t{63}) + std::countr_zero(found));
    begin = (begin | 63) + 1;
  }
  return end;
}

PageNumber PageMap::NextResident(PageNumber begin, PageNumber end) const {
  return NextSet(begin, end, 0,
                 [](const Chunk& chunk, uint64_t word) { return chunk.Resident(word); });
}

PageNumber PageMap::NextNonResident(PageNumber begin, PageNumber end) const {
  return NextSet(begin, end, kAll,
                 [](const Chunk& chunk, uint64_t word) { return ~chunk.Resident(word); });
}

PageNumber PageMap::NextReady(PageNumber begin, PageNumber end) const {
  return NextSet(begin, end, 0,
                 [](const Chunk& chunk, uint64_t word) { return chunk.ready[word]; });
}

PageNumber PageMap::NextNotReady(PageNumber begin, PageNumber end) const {
  return NextSet(begin, end, kAll,
                 [](const Chunk& chunk, uint64_t word) { return ~chunk.ready[word]; });
}

uint64_t PageMap::Hash(uint64_t hash) const {
  for (const auto& [index, chunk] : made_) {
    if (chunk.NoneResident()) continue;
    for (size_t word = 0; word < PageBits::kWords; ++word) {
      if (chunk.Resident(word) == 0) continue;
      hash = HashCombine(hash, index * PageBits::kWords + word);
      hash = HashCombine(hash, chunk.ready[word]);
      hash = HashCombine(hash, chunk.lazy[word]);
      hash = HashCombine(hash, chunk.blocked[word]);
    }
    if (chunk.huge_blocks == 0) continue;
    for (uint64_t word = 0; word < (BlocksInChunk() + 63) / 64; ++word) {
      hash = HashCombine(hash, chunk.huge[word]);
    }
  }
  return hash;
}

}  // namespace heapsim::sim
