// Random event streams for tests: every kind of event and every column, by seed.
#ifndef HEAPSIM_TRACES_RANDOM_EVENTS_H_
#define HEAPSIM_TRACES_RANDOM_EVENTS_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "traces/block_builder.h"
#include "traces/identity_resolver.h"

namespace heapsim::traces {

struct RandomEventsOptions {
  uint64_t seed = 1;
  uint64_t events = 10000;
  uint32_t addresses = 3000;  // objects live in so many places
  bool odd = true;            // also what is not a plain malloc or free
  bool columns = true;        // also the optional columns
};

// Feeds random calls to `blocks` and flushes it.
inline void FeedRandomEvents(const RandomEventsOptions& options, BlockBuilder* blocks) {
  std::mt19937_64 random(options.seed);
  IdentityResolver calls(blocks);
  uint64_t now = 1000000;
  const auto address = [&] { return 16 + 16 * (random() % options.addresses); };
  const auto size = [&]() -> uint64_t {
    const uint64_t kind = random() % 1000;
    if (options.odd && kind == 0) return random() >> (random() % 40);  // often over 4 GiB
    if (options.odd && kind == 1) return 0;
    return random() >> (48 + random() % 15);
  };
  for (uint64_t i = 0; i < options.events; ++i) {
    if (options.columns) {
      if (random() % 3 == 0) now += random() % 2000;
      if (random() % 500 == 0) now += uint64_t{1} << 35;
      if (random() % 300 == 0) now -= random() % 5000;
      blocks->SetTime(now);
      if (random() % 20 == 0) blocks->SetThread(random() % 40);
      if (random() % 400 == 0) blocks->EndThread(random() % 40);
      blocks->SetScan(random() % 2 == 0);
      if (random() % 50 == 0) blocks->SetWeight(1 + random() % 3);
      if (random() % 600 == 0) {
        blocks->AddMarker(static_cast<MarkerKind>(random() % (kMaxMarkerKind + 1)), random());
      }
    }
    const uint64_t place = address();
    const uint64_t odd = options.odd ? random() % 40 : 100;
    switch (odd) {
      case 0:
        calls.Calloc(place, size());
        break;
      case 1:
        calls.Memalign(place, uint64_t{1} << (random() % 20), size());
        break;
      case 2:
        calls.Realloc(address(), place, size());
        break;
      case 3:
        calls.Realloc(place, place, size());
        break;
      case 4:
        calls.Realloc(0, place, random() % 2 == 0 ? 0 : size());
        break;
      case 5:
        calls.Free(0);
        break;
      case 6:
        calls.Free(7 + place);  // nothing ever lives there
        break;
      case 7:
        calls.Malloc(0, size());
        break;
      case 8:
        calls.Malloc(place, size());  // perhaps while it is live
        break;
      default:
        if (calls.IsLive(place)) {
          calls.Free(place);
        } else {
          calls.Malloc(place, size());
        }
    }
  }
  blocks->Flush();
}

// The blocks of a random stream, as a reader should give them back.
inline std::vector<EventBlock> RandomBlocks(const RandomEventsOptions& options,
                                            TraceFacts* facts = nullptr,
                                            uint32_t* object_ids = nullptr) {
  std::vector<EventBlock> blocks;
  BlockBuilder builder([&blocks](const EventBlock& block) {
    blocks.push_back(block);
    return absl::OkStatus();
  });
  FeedRandomEvents(options, &builder);
  if (facts != nullptr) *facts = builder.Facts();
  if (object_ids != nullptr) *object_ids = builder.object_ids();
  return blocks;
}

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_RANDOM_EVENTS_H_
