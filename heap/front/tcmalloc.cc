#include "heap/front/tcmalloc.h"

#include <algorithm>
#include <bit>

#include "heap/classes/tcmalloc.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kTransferBytes = 1 << 20;

}  // namespace

TcmallocFrontEnd::TcmallocFrontEnd(const Options& options) : o_(options), cached_(kMaxSlotWords) {}

void TcmallocFrontEnd::Attach(const FrontContext& context) {
  spans_.Attach(context);
  const SizeClasses& classes = *context.classes;
  classes_.resize(2 * classes.count());
  for (uint32_t c = 2; c < classes_.size(); ++c) {
    Class& k = classes_[c];
    k.bytes = classes[c >> 1].size;
    k.batch = TcmallocBatch(k.bytes, o_.batch_slots);
    const uint32_t fit = std::max<uint32_t>(kTransferBytes / (k.bytes * k.batch), 1);
    k.transfer_slots = std::min(o_.transfer_batches, fit) * k.batch;
  }
  caches_.resize(context.procs);
  for (Cache& cache : caches_) cache.lists.resize(classes_.size());
}

BitIndex TcmallocFrontEnd::Take(uint32_t p, SpanClass c) {
  Cache& cache = caches_[p];
  List& list = cache.lists[c];
  const Class& k = classes_[c];
  if (list.slots.empty()) {
    Fetch(c, std::min(list.max_length, k.batch), &list.slots);
    cache.bytes += list.slots.size() * k.bytes;
    if (list.max_length < k.batch) {
      ++list.max_length;
    } else {
      const uint32_t longer = std::min(list.max_length + k.batch, kMostSlots);
      list.max_length = longer - longer % k.batch;
    }
  }
  const BitIndex bit = list.slots.back();
  list.slots.pop_back();
  list.unused = std::min<uint32_t>(list.unused, static_cast<uint32_t>(list.slots.size()));
  cache.bytes -= k.bytes;
  ClearCached(bit);
  return bit;
}

void TcmallocFrontEnd::Give(uint32_t p, BitIndex bit) {
  Cache& cache = caches_[p];
  const SpanClass c = (*spans_.context().spans)[spans_.context().bits->OwnerOf(bit)].span_class;
  List& list = cache.lists[c];
  list.slots.push_back(bit);
  SetCached(bit);
  cache.bytes += classes_[c].bytes;
  if (list.slots.size() > list.max_length) TooLong(&cache, c);
  if (cache.bytes > o_.max_bytes) Scavenge(&cache);
}

void TcmallocFrontEnd::Fetch(SpanClass c, uint32_t count, std::vector<BitIndex>* slots) {
  Class& k = classes_[c];
  if (count == k.batch && !k.transfer.empty()) {
    slots->assign(k.transfer.end() - count, k.transfer.end());
    k.transfer.resize(k.transfer.size() - count);
    return;
  }
  batch_.clear();
  // As many as spans have; a new one is made only for the first.
  spans_.Take(c, count, /*may_grow=*/true, &batch_);
  while (batch_.size() < count) {
    const uint32_t left = count - static_cast<uint32_t>(batch_.size());
    if (spans_.Take(c, left, /*may_grow=*/false, &batch_) == 0) break;
  }
  for (const BitIndex bit : batch_) SetCached(bit);
  slots->assign(batch_.rbegin(), batch_.rend());
}

void TcmallocFrontEnd::Release(Cache* cache, SpanClass c, uint32_t count) {
  Class& k = classes_[c];
  std::vector<BitIndex>& slots = cache->lists[c].slots;
  count = std::min<uint32_t>(count, static_cast<uint32_t>(slots.size()));
  cache->bytes -= uint64_t{count} * k.bytes;
  while (count > 0) {
    const uint32_t n = std::min(count, k.batch);
    const auto begin = slots.end() - n;
    if (n == k.batch && k.transfer.size() + n <= k.transfer_slots) {
      k.transfer.insert(k.transfer.end(), begin, slots.end());
    } else {
      for (auto it = slots.end(); it != begin;) {
        ClearCached(*--it);
        spans_.Give(*it);
      }
    }
    slots.resize(slots.size() - n);
    count -= n;
  }
  List& list = cache->lists[c];
  list.unused = std::min<uint32_t>(list.unused, static_cast<uint32_t>(slots.size()));
}

void TcmallocFrontEnd::TooLong(Cache* cache, SpanClass c) {
  List& list = cache->lists[c];
  const uint32_t batch = classes_[c].batch;
  Release(cache, c, batch);
  if (list.max_length < batch) {
    ++list.max_length;
  } else if (list.max_length > batch && ++list.overages > kOverages) {
    list.max_length -= batch;
    list.overages = 0;
  }
}

void TcmallocFrontEnd::Scavenge(Cache* cache) {
  for (uint32_t c = 2; c < classes_.size(); ++c) {
    List& list = cache->lists[c];
    if (list.unused > 0) {
      Release(cache, static_cast<SpanClass>(c), list.unused > 1 ? list.unused / 2 : 1);
      const uint32_t batch = classes_[c].batch;
      if (list.max_length > batch) list.max_length = std::max(list.max_length - batch, batch);
    }
    list.unused = static_cast<uint32_t>(list.slots.size());
  }
}

void TcmallocFrontEnd::Flush() {
  for (uint32_t c = 2; c < classes_.size(); ++c) {
    for (Cache& cache : caches_) {
      Release(&cache, static_cast<SpanClass>(c), ~uint32_t{0});
    }
    for (const BitIndex bit : classes_[c].transfer) {
      ClearCached(bit);
      spans_.Give(bit);
    }
    classes_[c].transfer.clear();
  }
}

void TcmallocFrontEnd::SelfCheck() const {
  uint64_t slots = 0;
  const auto check = [&](const std::vector<BitIndex>& list, uint32_t c) {
    for (const BitIndex bit : list) {
      if ((cached_[bit >> 6] >> (bit & 63) & 1) == 0) {
        Throw(FatalCode::kSelfCheck, "a slot in a cache that is not marked as such");
      }
      if ((*spans_.context().spans)[spans_.context().bits->OwnerOf(bit)].span_class != c) {
        Throw(FatalCode::kSelfCheck, "a slot in a cache of another class");
      }
    }
    slots += list.size();
  };
  for (uint32_t c = 2; c < classes_.size(); ++c) {
    check(classes_[c].transfer, c);
    if (classes_[c].transfer.size() > classes_[c].transfer_slots) {
      Throw(FatalCode::kSelfCheck, "a transfer cache with more than it may have");
    }
  }
  for (const Cache& cache : caches_) {
    uint64_t bytes = 0;
    for (uint32_t c = 2; c < classes_.size(); ++c) {
      check(cache.lists[c].slots, c);
      bytes += cache.lists[c].slots.size() * classes_[c].bytes;
    }
    if (bytes != cache.bytes) Throw(FatalCode::kSelfCheck, "a cache's bytes are not their sum");
  }
  uint64_t marked = 0;
  for (uint32_t w = 0; w < spans_.context().bits->size(); ++w) {
    marked += static_cast<uint64_t>(std::popcount(cached_[w]));
  }
  if (marked != slots) Throw(FatalCode::kSelfCheck, "marked as cached, but in no cache");
}

}  // namespace heapsim::heap
