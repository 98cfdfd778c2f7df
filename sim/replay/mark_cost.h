// What marking would have cost, in nanoseconds of one processor.
//
// A collection costs something by itself (the world is stopped twice, stacks and globals are looked
// through), then something for each object that a pointer leads to, whose mark bit is found and
// set, then something for each byte in which further pointers are looked for. Bytes of objects
// without pointers cost nothing. Members of a tiny block count one by one: there is a pointer to
// each.
//
// Sweeping is left out: each span is swept once a cycle whatever the policy, when it is next used.
//
// What the policy's defaults are fitted to, on a machine of two processors, Go 1.19.8 with
// GODEBUG=gctrace=1,gcstoptheworld=1 and GOMAXPROCS=1, the least of six forced collections.
// (Go 1.10 could not be measured; its marking works in the same way.)
//   - An empty heap: 95 us. Here 100.
//   - 100,000 objects of 64 bytes, none with pointers, held by a slice in the order of allocation:
//     19 ns an object; a million: 35. A million in random order: 111. Linked in order, one pointer
//     each: 20 and 33. Here 30.
//   - 500,000 objects of 256 bytes of nil pointers, in order: 210 ns an object, which is 180 beyond
//     the object itself, or 0.7 ns a byte. Here 700 ns a KiB. In random order six times as much.
// So an object of 100 bytes with pointers costs 1 ns a byte here. What people have reported, mark
// time of all processors over live bytes: golang/go#18896, 0.7 to 1.0 ns a byte for heaps of 1 to 3
// GB; golang/go#14812, Go 1.6, 15 s for 6.5 GB, 2.3 ns a byte.
#ifndef HEAPSIM_SIM_REPLAY_MARK_COST_H_
#define HEAPSIM_SIM_REPLAY_MARK_COST_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "proto/policy.pb.h"

namespace heapsim::sim {

// Of one cycle or many.
struct MarkWork {
  uint64_t cycles = 0;
  uint64_t objects = 0;        // found alive
  uint64_t scanned_bytes = 0;  // slots of those that hold pointers
};

inline uint64_t MarkCostNs(const proto::Cost& cost, const MarkWork& work) {
  using Wide = unsigned __int128;
  const Wide ns = Wide{work.cycles} * static_cast<uint64_t>(cost.mark_cycle_ns()) +
                  Wide{work.objects} * static_cast<uint64_t>(cost.mark_object_ns()) +
                  Wide{work.scanned_bytes} * static_cast<uint64_t>(cost.mark_scan_kib_ns()) / 1024;
  return static_cast<uint64_t>(std::min<Wide>(ns, std::numeric_limits<uint64_t>::max()));
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_MARK_COST_H_
