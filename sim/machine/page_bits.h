// One bit a page for the pages of a chunk, where "all clear" and "all set" cost no memory.
//
// A chunk that was never touched, and one that is resident throughout, are by far the most common
// ones in a large heap: both share one constant array of words, so that a reader never asks which
// case it has, and only a chunk with a mixture owns an array.
#ifndef HEAPSIM_SIM_MACHINE_PAGE_BITS_H_
#define HEAPSIM_SIM_MACHINE_PAGE_BITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace heapsim::sim {

class PageBits {
 public:
  // Pages in a chunk: 1 GiB of 4 KiB pages.
  static constexpr unsigned kPagesShift = 18;
  static constexpr uint64_t kPages = uint64_t{1} << kPagesShift;
  static constexpr size_t kWords = kPages / 64;

  // What readers of a chunk without bits, and of one with all bits, look at.
  static const uint64_t* AllClear();
  static const uint64_t* AllSet();

  PageBits() : words_(AllClear()) {}
  PageBits(const PageBits&) = delete;
  PageBits& operator=(const PageBits&) = delete;

  // kWords words, valid until the next Mutable, Clear or Set.
  const uint64_t* words() const { return words_; }
  uint64_t operator[](size_t word) const { return words_[word]; }
  bool Test(uint64_t page) const { return (words_[page / 64] >> (page % 64)) & 1; }

  // Known to be uniform without looking at any word. A mixture that became uniform bit by bit is
  // not recognised: a page that flips in an otherwise full chunk must not copy the chunk each time.
  bool is_clear() const { return words_ == AllClear(); }
  bool is_set() const { return words_ == AllSet(); }

  // The words for writing.
  uint64_t* Mutable() { return owned_ != nullptr ? owned_.get() : Own(); }

  void Clear() { Share(AllClear()); }
  void Set() { Share(AllSet()); }

 private:
  uint64_t* Own();
  void Share(const uint64_t* words) {
    owned_.reset();
    words_ = words;
  }

  const uint64_t* words_;
  std::unique_ptr<uint64_t[]> owned_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_PAGE_BITS_H_
