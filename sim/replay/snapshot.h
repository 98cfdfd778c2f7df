// The heap as it stands: which bytes are there for what, and who keeps them there
// (proto/snapshot.proto). Looking changes nothing.
#ifndef HEAPSIM_SIM_REPLAY_SNAPSHOT_H_
#define HEAPSIM_SIM_REPLAY_SNAPSHOT_H_

#include <cstdint>

#include "heap/heap.h"
#include "proto/snapshot.pb.h"
#include "sim/machine/machine.h"
#include "sim/replay/dead_bits.h"
#include "sim/replay/ledger.h"
#include "sim/replay/object_table.h"

namespace heapsim::sim {

// What there is to look at.
struct HeapView {
  const heap::Heap* heap;
  const Machine* machine;
  const DeadBits* dead;
  const Ledger* ledger;
  const ObjectTable* objects;
  uint64_t object_ids;    // ids ever handed out
  const uint32_t* sites;  // by object id; null: the request's size stands in (size_bracket.h)
};

// How much of it is told one by one.
struct SnapshotLimits {
  uint32_t map_cells = 16384;
  uint32_t sites = 100;
  uint32_t longest_runs = 10;
  // Words of slots whose objects are listed at a time, at least: memory for the time of a look.
  uint32_t listed_words = 1 << 12;
};

// All but the label, the event and the time. Throws kSelfCheck where the classes do not sum to the
// ledger's parts. Takes memory for the time of the call: some 12 bytes a slot, of a
// quarter of a million slots or a sixteenth of them.
proto::HeapSnapshot LookAtHeap(const HeapView& view, const SnapshotLimits& limits);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_SNAPSHOT_H_
