#include "tests/bench/synthetic_trace.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace heapsim::bench {
namespace {

// The largest lifetime M for which log-uniform lifetimes in [1, M] have the given mean.
double LongestLifetime(double mean) {
  double m = mean * 2;
  for (int i = 0; i < 60; ++i) m = mean * std::log(m) + 1;
  return m;
}

}  // namespace

SyntheticTrace::SyntheticTrace(const SyntheticOptions& options)
    : options_(options),
      random_(options.seed),
      log_longest_(std::log(LongestLifetime(options.live_objects))),
      warming_up_(options.live_objects),
      allocations_(options.events),
      dying_(traces::kNoObject) {
  // Who dies after the trace's end is not kept.
  const double moments = std::min(std::exp(log_longest_), static_cast<double>(allocations_)) + 2;
  const uint64_t ring = std::bit_ceil(static_cast<uint64_t>(moments) + 1);
  ring_mask_ = ring - 1;
  dies_after_.assign(ring, traces::kNoObject);
}

// splitmix64 (Steele, Lea, Flood 2014)
uint64_t SyntheticTrace::Random() {
  uint64_t z = (random_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double SyntheticTrace::Unit() { return static_cast<double>((Random() >> 11) + 1) * 0x1p-53; }

uint32_t SyntheticTrace::Size() {
  // Box and Muller's method; the order of the two draws is part of the trace.
  const double radius = std::sqrt(-2 * std::log(Unit()));
  const double normal = radius * std::cos(2 * std::numbers::pi * Unit());
  const double bytes = options_.median_bytes * std::exp(options_.sigma * normal);
  return static_cast<uint32_t>(std::clamp(bytes, 1.0, static_cast<double>(options_.max_bytes)));
}

void SyntheticTrace::Allocate(double lifetime, traces::EventBlock* block) {
  const uint32_t id = ids_.Allocate();
  if (id >= next_dying_.size()) next_dying_.resize(id + 1);
  block->alloc_object.push_back(id);
  block->alloc_size.push_back(Size());
  const double death = static_cast<double>(now_) + lifetime;
  if (death > static_cast<double>(allocations_)) return;
  uint32_t& list = dies_after_[static_cast<uint64_t>(death) & ring_mask_];
  next_dying_[id] = list;
  list = id;
}

void SyntheticTrace::Free(uint32_t id, traces::EventBlock* block) {
  block->is_free.back() |= uint64_t{1} << (block->count % 64);
  block->free_object.push_back(id);
  ids_.Free(id);
}

bool SyntheticTrace::Next(traces::EventBlock* block) {
  block->Clear();
  block->first_event = events_ + 1;
  while (block->count < traces::kMaxBlockEvents && events_ < options_.events) {
    if (block->count % 64 == 0) block->is_free.push_back(0);
    if (dying_ != traces::kNoObject) {
      Free(std::exchange(dying_, next_dying_[dying_]), block);
    } else if (warming_up_ != 0) {
      --warming_up_;
      // The first objects have what is left of a lifetime at a random moment of a long run: a
      // lifetime drawn by its length, cut at a uniform place.
      const double length = 1 + Unit() * (std::exp(log_longest_) - 1);
      Allocate(1 + Unit() * (length - 1), block);
    } else {
      ++now_;
      Allocate(std::exp(Unit() * log_longest_), block);
      dying_ = std::exchange(dies_after_[now_ & ring_mask_], traces::kNoObject);
    }
    ++block->count;
    ++events_;
  }
  return block->count != 0;
}

std::vector<traces::EventBlock> MakeSyntheticTrace(const SyntheticOptions& options) {
  SyntheticTrace trace(options);
  std::vector<traces::EventBlock> blocks;
  traces::EventBlock block;
  while (trace.Next(&block)) blocks.push_back(block);
  return blocks;
}

}  // namespace heapsim::bench
