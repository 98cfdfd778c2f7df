#include "sim/machine/vma_map.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace heapsim::sim {
namespace {

// May areas with these anon_vmas be one? (is_mergeable_anon_vma; nothing here ever forks.)
bool AnonsFit(uint32_t a, uint32_t b) { return a == 0 || b == 0 || a == b; }

uint32_t Either(uint32_t a, uint32_t b) { return a != 0 ? a : b; }

}  // namespace

void VmaMap::Account(const VmaFlags& flags, uint64_t bytes, bool add) {
  const uint64_t delta = add ? bytes : -bytes;
  virtual_bytes_ += delta;
  if (flags.protection == Protection::kReadWrite) writable_bytes_ += delta;
}

Errno VmaMap::Done(Errno error) {
  ++version_;
  peak_count_ = std::max<uint64_t>(peak_count_, tree_.size());
  return error;
}

const VmaMap::Tree::value_type* VmaMap::Find(uint64_t address) const {
  auto it = tree_.upper_bound(address);
  if (it == tree_.begin()) return nullptr;
  --it;
  return address < it->second.end ? &*it : nullptr;
}

std::optional<uint64_t> VmaMap::FindGap(uint64_t hint, uint64_t size) const {
  const uint64_t top = kTop & ~(page_size_ - 1);
  const uint64_t limit = kEnd & ~(page_size_ - 1);
  if (size > limit - kBegin) return std::nullopt;
  if (hint != 0) {
    hint = (hint + page_size_ - 1) & ~(page_size_ - 1);
    if (hint >= kBegin && hint <= limit - size) {
      auto next = tree_.lower_bound(hint);
      const bool next_fits = next == tree_.end() || hint + size <= next->first;
      const bool prev_fits = next == tree_.begin() || std::prev(next)->second.end <= hint;
      if (next_fits && prev_fits) return hint;
    }
  }
  uint64_t gap_end = top;
  auto it = tree_.lower_bound(top);
  while (true) {
    uint64_t gap_begin = kBegin;
    if (it != tree_.begin()) gap_begin = std::max(kBegin, std::prev(it)->second.end);
    if (gap_begin <= gap_end && gap_end - gap_begin >= size) return gap_end - size;
    if (it == tree_.begin()) break;
    --it;
    gap_end = std::min(gap_end, it->first);
  }
  uint64_t gap_begin = (kBottom + page_size_ - 1) & ~(page_size_ - 1);
  it = tree_.upper_bound(gap_begin);
  if (it != tree_.begin()) gap_begin = std::max(gap_begin, std::prev(it)->second.end);
  while (gap_begin <= limit) {
    const uint64_t end = it == tree_.end() ? limit : std::min(limit, it->first);
    if (end >= gap_begin && end - gap_begin >= size) return gap_begin;
    if (it == tree_.end()) break;
    gap_begin = it->second.end;
    ++it;
  }
  return std::nullopt;
}

Errno VmaMap::Unmap(uint64_t begin, uint64_t end) { return Done(Remove(begin, end)); }

Errno VmaMap::Remove(uint64_t begin, uint64_t end) {
  auto it = tree_.upper_bound(begin);
  if (it != tree_.begin() && begin < std::prev(it)->second.end) --it;
  if (it == tree_.end() || it->first >= end) return Errno::kOk;
  if (it->first < begin && end < it->second.end) {
    // A hole makes one area into two.
    if (tree_.size() >= max_count_) return Errno::kNoMemory;
    const Vma rest = it->second;
    it->second.end = begin;
    tree_.emplace(end, rest);
    Account(rest.flags, end - begin, false);
    return Errno::kOk;
  }
  if (it->first < begin) {
    Account(it->second.flags, it->second.end - begin, false);
    it->second.end = begin;
    ++it;
  }
  auto first = it;
  std::optional<Vma> rest;  // of the last area, which then starts at `end`
  while (it != tree_.end() && it->first < end) {
    Account(it->second.flags, std::min(end, it->second.end) - it->first, false);
    if (it->second.end > end) rest = it->second;
    ++it;
  }
  tree_.erase(first, it);
  if (rest.has_value()) tree_.emplace(end, *rest);
  return Errno::kOk;
}

Errno VmaMap::Map(uint64_t begin, uint64_t end, VmaFlags flags) {
  // Linux compares with > here and with >= where it splits.
  if (tree_.size() > max_count_) return Errno::kNoMemory;
  if (Errno error = Remove(begin, end); error != Errno::kOk) return error;
  Account(flags, end - begin, true);
  auto next = tree_.lower_bound(end);
  const bool right = next != tree_.end() && next->first == end && next->second.flags == flags;
  bool left = false;
  if (next != tree_.begin()) {
    auto prev = std::prev(next);
    left = prev->second.end == begin && prev->second.flags == flags;
    if (left && right && AnonsFit(prev->second.anon, next->second.anon)) {
      prev->second.end = next->second.end;
      prev->second.anon = Either(prev->second.anon, next->second.anon);
      tree_.erase(next);
    } else if (left) {
      prev->second.end = end;
    }
  }
  if (!left) {
    Vma vma{end, flags, 0};
    if (right) {
      vma = next->second;
      tree_.erase(next);
    }
    tree_.emplace(begin, vma);
  }
  return Done(Errno::kOk);
}

Errno VmaMap::Split(uint64_t start, uint64_t at) {
  if (tree_.size() >= max_count_) return Errno::kNoMemory;
  auto it = tree_.find(start);
  const Vma tail = it->second;
  it->second.end = at;
  tree_.emplace(at, tail);
  return Errno::kOk;
}

Errno VmaMap::Modify(uint64_t start, uint64_t begin, uint64_t end, VmaFlags flags) {
  auto it = tree_.find(start);
  const Vma vma = it->second;
  const auto next = std::next(it);
  const auto prev = it == tree_.begin() ? tree_.end() : std::prev(it);
  const bool left = begin == start && prev != tree_.end() && prev->second.end == begin &&
                    prev->second.flags == flags && AnonsFit(prev->second.anon, vma.anon);
  const bool right = end == vma.end && next != tree_.end() && next->first == end &&
                     next->second.flags == flags && AnonsFit(next->second.anon, vma.anon) &&
                     (!left || AnonsFit(prev->second.anon, next->second.anon));
  if (!left && !right) {
    // A second split that fails leaves the first one in place, as in Linux.
    if (begin > start) {
      if (Errno error = Split(start, begin); error != Errno::kOk) return error;
    }
    if (end < vma.end) {
      if (Errno error = Split(begin, end); error != Errno::kOk) return error;
    }
    Vma& part = tree_.find(begin)->second;
    Account(part.flags, end - begin, false);
    part.flags = flags;
    Account(part.flags, end - begin, true);
    return Errno::kOk;
  }
  Account(vma.flags, end - begin, false);
  Account(flags, end - begin, true);
  if (left) {
    prev->second.end = right ? next->second.end : end;
    const uint32_t others = right ? Either(next->second.anon, vma.anon) : vma.anon;
    prev->second.anon = Either(prev->second.anon, others);
    tree_.erase(it, right ? std::next(next) : next);
    if (!right && end < vma.end) tree_.emplace(end, vma);
  } else {
    Vma grown = next->second;
    grown.anon = Either(grown.anon, vma.anon);
    it->second.end = begin;
    tree_.erase(begin == start ? it : next, std::next(next));
    tree_.emplace(begin, grown);
  }
  return Errno::kOk;
}

Errno VmaMap::Protect(uint64_t begin, uint64_t end, Protection protection, Changed changed) {
  for (uint64_t at = begin; at < end;) {
    const Tree::value_type* found = Find(at);
    if (found == nullptr) return Done(Errno::kNoMemory);
    const uint64_t part_end = std::min(end, found->second.end);
    VmaFlags flags = found->second.flags;
    if (flags.protection != protection) {
      flags.protection = protection;
      if (protection == Protection::kReadWrite) {
        flags.accounted = true;
      } else if (found->second.anon == 0) {
        flags.accounted = false;
      }
      const Errno error = Modify(found->first, at, part_end, flags);
      if (error != Errno::kOk) return Done(error);
      changed(at, part_end);
    }
    at = part_end;
  }
  return Done(Errno::kOk);
}

Errno VmaMap::AdviseHuge(uint64_t begin, uint64_t end, HugeAdvice advice, Changed changed) {
  bool gap = false;
  for (uint64_t at = begin; at < end;) {
    auto it = tree_.upper_bound(at);
    if (it != tree_.begin() && at < std::prev(it)->second.end) {
      --it;
    } else {
      gap = true;
      if (it == tree_.end() || it->first >= end) break;
      at = it->first;
    }
    const uint64_t part_end = std::min(end, it->second.end);
    VmaFlags flags = it->second.flags;
    if (flags.huge != advice) {
      flags.huge = advice;
      if (Modify(it->first, at, part_end, flags) != Errno::kOk) return Done(Errno::kAgain);
      changed(at, part_end);
    }
    at = part_end;
  }
  return Done(gap ? Errno::kNoMemory : Errno::kOk);
}

bool VmaMap::ForEach(
    uint64_t begin, uint64_t end,
    absl::FunctionRef<void(uint64_t begin, uint64_t end, const Vma& vma)> visit) const {
  auto it = tree_.upper_bound(begin);
  if (it != tree_.begin() && begin < std::prev(it)->second.end) --it;
  uint64_t at = begin;
  bool gap = false;
  for (; it != tree_.end() && it->first < end; ++it) {
    const uint64_t part_begin = std::max(begin, it->first);
    const uint64_t part_end = std::min(end, it->second.end);
    gap |= part_begin != at;
    visit(part_begin, part_end, it->second);
    at = part_end;
  }
  return !gap && at == end;
}

void VmaMap::Fault(uint64_t address) {
  auto it = std::prev(tree_.upper_bound(address));
  if (it->second.anon != 0) return;
  // find_mergeable_anon_vma: the next area first, then the previous one.
  const auto donates = [&](const Vma& other) {
    VmaFlags flags = other.flags;
    flags.protection = it->second.flags.protection;
    return other.anon != 0 && flags == it->second.flags;
  };
  if (auto next = std::next(it);
      next != tree_.end() && next->first == it->second.end && donates(next->second)) {
    it->second.anon = next->second.anon;
  } else if (it != tree_.begin() && std::prev(it)->second.end == it->first &&
             donates(std::prev(it)->second)) {
    it->second.anon = std::prev(it)->second.anon;
  } else {
    it->second.anon = ++last_anon_;
  }
}

}  // namespace heapsim::sim
