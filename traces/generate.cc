#include "traces/generate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "traces/event_block.h"

namespace heapsim::traces {
namespace {

// splitmix64: the same numbers everywhere, unlike the distributions of the standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In (0, 1).
  double Uniform() { return (static_cast<double>(Next() >> 11) + 0.5) * 0x1p-53; }

 private:
  uint64_t state_;
};

class Sizes {
 public:
  explicit Sizes(const GenerateOptions& options) : options_(options) {}
  uint64_t Next(Random& random) {
    // Box and Muller; the second of the pair is not used, so that sizes and lifetimes stay apart.
    const double normal =
        std::sqrt(-2 * std::log(random.Uniform())) * std::cos(2 * M_PI * random.Uniform());
    const double size = options_.median_size * std::exp(options_.sigma * normal);
    const double most = static_cast<double>(options_.max_size);
    return static_cast<uint64_t>(std::clamp(size, 1.0, most));
  }

 private:
  const GenerateOptions options_;
};

// The longest lifetime, in allocations, for which log-uniform ones from 1 on have this mean: as
// many objects are alive as an average one lives through allocations.
double LongestLifetime(double mean) {
  double low = 1, high = 1e18;
  for (int step = 0; step < 200; ++step) {
    const double middle = std::sqrt(low * high);
    ((middle - 1) / std::log(middle) < mean ? low : high) = middle;
  }
  return low;
}

}  // namespace

absl::Status CheckGenerateOptions(const GenerateOptions& options) {
  if (options.events == 0) return absl::InvalidArgumentError("a trace needs an event");
  if (options.live_objects == 0 || options.live_objects > uint64_t{1} << 31) {
    return absl::InvalidArgumentError("live objects must be 1 to 2^31");
  }
  if (!(options.median_size >= 1) || !(options.median_size <= 0x1p62) || !(options.sigma >= 0) ||
      !(options.sigma <= 20) || options.max_size == 0 || options.max_size > uint64_t{1} << 62) {
    return absl::InvalidArgumentError(
        "the median size must be 1 byte or more, sigma 0 to 20, the largest size 1 to 2^62");
  }
  return absl::OkStatus();
}

absl::Status Generate(const GenerateOptions& options, BlockBuilder* blocks) {
  if (absl::Status s = CheckGenerateOptions(options); !s.ok()) return s;
  Random random(options.seed);
  Sizes sizes(options);
  const double log_longest = std::log(LongestLifetime(static_cast<double>(options.live_objects)));
  // Who dies at which allocation, the first on top. Equal times go by object id.
  using Death = std::pair<uint64_t, uint32_t>;
  std::priority_queue<Death, std::vector<Death>, std::greater<Death>> deaths;
  uint64_t events = 0;
  for (uint64_t allocation = 0; events < options.events; ++allocation) {
    while (!deaths.empty() && deaths.top().first <= allocation && events < options.events) {
      blocks->Free(deaths.top().second);
      deaths.pop();
      ++events;
    }
    if (events == options.events) break;
    const uint32_t id = blocks->Alloc(EventKind::kMalloc, sizes.Next(random));
    ++events;
    const double lifetime = std::exp(log_longest * random.Uniform());
    deaths.push(
        {allocation + static_cast<uint64_t>(std::max(1.0, std::min(lifetime, 0x1p62))), id});
    if (!blocks->status().ok()) break;
  }
  blocks->Flush();
  return blocks->status();
}

}  // namespace heapsim::traces
