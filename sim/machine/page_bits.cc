#include "sim/machine/page_bits.h"

#include <algorithm>
#include <array>

namespace heapsim::sim {
namespace {

constexpr std::array<uint64_t, PageBits::kWords> Filled(uint64_t word) {
  std::array<uint64_t, PageBits::kWords> words{};
  for (uint64_t& w : words) w = word;
  return words;
}

constexpr std::array<uint64_t, PageBits::kWords> kAllClear = Filled(0);
constexpr std::array<uint64_t, PageBits::kWords> kAllSet = Filled(~uint64_t{0});

}  // namespace

const uint64_t* PageBits::AllClear() { return kAllClear.data(); }
const uint64_t* PageBits::AllSet() { return kAllSet.data(); }

uint64_t* PageBits::Own() {
  owned_ = std::make_unique_for_overwrite<uint64_t[]>(kWords);
  std::copy_n(words_, kWords, owned_.get());
  words_ = owned_.get();
  return owned_.get();
}

}  // namespace heapsim::sim
