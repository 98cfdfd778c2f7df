// The virtual memory areas of a process: which addresses are mapped, with what protection and
// advice, and where the kernel draws the lines between areas.
//
// Only private anonymous mappings exist here. The rules for splitting and merging are those of
// Linux's mm/vma.c for such mappings (vma_merge_new_range, vma_merge_existing_range, split_vma):
// neighbours become one area when their flags are equal and their anon_vmas allow it. The anon_vma
// is what an area gets at its first page fault; two areas that got different ones never merge,
// which is why a long-lived process has more areas than its flags explain.
#ifndef HEAPSIM_SIM_MACHINE_VMA_MAP_H_
#define HEAPSIM_SIM_MACHINE_VMA_MAP_H_

#include <cstdint>
#include <optional>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"

namespace heapsim::sim {

// The errors that the memory calls of Linux return here.
enum class Errno : uint8_t {
  kOk = 0,
  kInvalid,   // EINVAL: a misaligned or empty range
  kNoMemory,  // ENOMEM: no gap, nothing mapped there, or one area too many
  kAgain,     // EAGAIN: what madvise makes of one area too many
};

// What the pages of an area allow: nothing, or reading and writing.
enum class Protection : uint8_t { kNone, kReadWrite };

// What madvise said about huge pages.
enum class HugeAdvice : uint8_t { kNone, kHuge, kNoHuge };

// What must be equal for two areas to become one.
struct VmaFlags {
  Protection protection = Protection::kNone;
  HugeAdvice huge = HugeAdvice::kNone;
  // VM_ACCOUNT: the area was writable once, so that it counts against the overcommit limit. It
  // stays when a touched area loses its write permission.
  bool accounted = false;
  bool operator==(const VmaFlags&) const = default;

  // A mapping as mmap creates it.
  static VmaFlags New(Protection protection) {
    return {protection, HugeAdvice::kNone, protection == Protection::kReadWrite};
  }
};

class VmaMap {
 public:
  struct Vma {
    uint64_t end = 0;
    VmaFlags flags;
    uint32_t anon = 0;  // the anon_vma's number; 0 before the first fault
  };
  using Tree = absl::btree_map<uint64_t, Vma>;  // by start

  // Linux's default for sysctl vm.max_map_count.
  static constexpr uint64_t kDefaultMaxCount = 65530;
  // One past the last address a process of 47 bits may map (TASK_SIZE).
  static constexpr uint64_t kEnd = (uint64_t{1} << 47) - 4096;
  // The lowest mappable address (sysctl vm.mmap_min_addr).
  static constexpr uint64_t kBegin = 65536;
  // Where mmap starts looking downwards (mmap_base without randomisation: below 128 MiB for a
  // stack).
  static constexpr uint64_t kTop = 0x7ffff7fff000;
  // Where it looks upwards from when there is nothing below (TASK_UNMAPPED_BASE).
  static constexpr uint64_t kBottom = 0x2aaaaaaaa000;

  VmaMap(uint64_t page_size, uint64_t max_count) : page_size_(page_size), max_count_(max_count) {}

  // All ranges are [begin, end), page aligned and not empty, unless said otherwise.

  // Where mmap would put `size` bytes: at `hint` if that is free (0: no hint), else at the top of
  // the highest gap that is large enough, else of the lowest one above kBottom.
  std::optional<uint64_t> FindGap(uint64_t hint, uint64_t size) const;

  // mmap: replaces whatever is mapped there. kNoMemory when there are too many areas; then nothing
  // has changed.
  Errno Map(uint64_t begin, uint64_t end, VmaFlags flags);

  // munmap; gaps are fine. kNoMemory when a hole would need one area too many.
  Errno Unmap(uint64_t begin, uint64_t end);

  // Called for each part of an area whose flags changed.
  using Changed = absl::FunctionRef<void(uint64_t begin, uint64_t end)>;

  // mprotect: kNoMemory at the first gap, or where an area cannot be split; what lies before that
  // point has changed by then, as in Linux.
  Errno Protect(uint64_t begin, uint64_t end, Protection protection, Changed changed);

  // madvise for huge pages: skips gaps and then returns kNoMemory; kAgain where an area cannot be
  // split, at once.
  Errno AdviseHuge(uint64_t begin, uint64_t end, HugeAdvice advice, Changed changed);

  // Calls `visit` for the mapped parts of the range in order; false if there was a gap.
  bool ForEach(uint64_t begin, uint64_t end,
               absl::FunctionRef<void(uint64_t begin, uint64_t end, const Vma& vma)> visit) const;

  // The area around `address`, or null.
  const Tree::value_type* Find(uint64_t address) const;

  // A page fault in the area around `address`: gives it an anon_vma if it has none, that of a
  // neighbour of the same flags (protection aside) where there is one.
  void Fault(uint64_t address);

  const Tree& tree() const { return tree_; }
  uint64_t count() const { return tree_.size(); }
  uint64_t peak_count() const { return peak_count_; }
  uint64_t virtual_bytes() const { return virtual_bytes_; }
  // Of them readable and writable.
  uint64_t writable_bytes() const { return writable_bytes_; }

  // Changes whenever an area does: a cached lookup is good as long as this stays.
  uint64_t version() const { return version_; }

 private:
  // A part [begin, end) of the area at `start` gets new flags: merged into its neighbours where
  // that is possible, else split off. kNoMemory if a split is one too many.
  Errno Modify(uint64_t start, uint64_t begin, uint64_t end, VmaFlags flags);
  Errno Split(uint64_t start, uint64_t at);
  Errno Remove(uint64_t begin, uint64_t end);
  void Account(const VmaFlags& flags, uint64_t bytes, bool add);
  // The end of a call: areas that existed only half-way through it do not count.
  Errno Done(Errno error);

  uint64_t page_size_;
  uint64_t max_count_;
  Tree tree_;
  uint32_t last_anon_ = 0;
  uint64_t peak_count_ = 0;
  uint64_t virtual_bytes_ = 0;
  uint64_t writable_bytes_ = 0;
  uint64_t version_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_VMA_MAP_H_
