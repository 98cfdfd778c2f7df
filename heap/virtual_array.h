// An array that grows in place: address space for the largest size is reserved at once, memory
// comes with use.
//
// The heap's own tables (span records, page table, bitmaps) must grow without moving and without
// ever holding two copies; entries read as zero until written.
#ifndef HEAPSIM_HEAP_VIRTUAL_ARRAY_H_
#define HEAPSIM_HEAP_VIRTUAL_ARRAY_H_

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace heapsim::heap {

template <typename T>
class VirtualArray {
  static_assert(std::is_trivially_copyable_v<T>, "entries come into being as zero bytes");

 public:
  // Memory comes in small pages up to `small` bytes, so that what stays small or is used in places
  // only takes little, and beyond in large ones: what grows large is read at random, where a miss
  // in the TLB costs as much as the read. Throws std::bad_alloc when the host has no such stretch
  // of address space.
  explicit VirtualArray(size_t capacity, size_t small = size_t{8} << 20)
      : skew_(NextSkew()), capacity_(capacity) {
    void* p = mmap(nullptr, skew_ + bytes(), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    char* const begin = static_cast<char*>(p) + skew_;
    data_ = reinterpret_cast<T*>(begin);
    // An advice that fails is no loss.
    if (bytes() > small) {
      const size_t beyond =
          kLargestPage - reinterpret_cast<uintptr_t>(begin + small) % kLargestPage;
      if (bytes() > small + beyond) {
        madvise(begin + small + beyond, bytes() - small - beyond, MADV_HUGEPAGE);
      }
    }
  }
  ~VirtualArray() {
    if (data_ != nullptr) munmap(reinterpret_cast<char*>(data_) - skew_, skew_ + bytes());
  }
  VirtualArray(VirtualArray&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)), skew_(o.skew_), capacity_(o.capacity_) {}
  VirtualArray& operator=(VirtualArray&&) = delete;

  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t capacity() const { return capacity_; }

 private:
  // Of the system, on any machine: advice must begin at one.
  static constexpr size_t kLargestPage = size_t{64} << 10;

  size_t bytes() const { return capacity_ * sizeof(T); }

  // The system puts large stretches at addresses that differ in their upper bits only. Processors
  // that guess a cache line's place from a few bits of its address (AMD's since Zen) may then throw
  // out one array's lines for another's: the likely cause of the 3 % that docs/performance.md has
  // for it. So each begins some pages later than the one before.
  static size_t NextSkew() {
    static std::atomic<size_t> made{0};
    return made.fetch_add(1, std::memory_order_relaxed) % 64 * (size_t{17} << 12);
  }

  T* data_;
  const size_t skew_;
  size_t capacity_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_VIRTUAL_ARRAY_H_
