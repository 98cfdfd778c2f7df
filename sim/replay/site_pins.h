// Who pins the pages: the resident bytes of spans, shared out among the live objects in them
// (proto: SiteUse).
#ifndef HEAPSIM_SIM_REPLAY_SITE_PINS_H_
#define HEAPSIM_SIM_REPLAY_SITE_PINS_H_

#include <cstdint>
#include <vector>

#include "proto/snapshot.pb.h"

namespace heapsim::sim {

class SitePins {
 public:
  struct Object {
    uint32_t site = 0;
    uint64_t requested = 0;
    uint64_t resident = 0;  // of the requested bytes
  };

  // A span is told slot by slot, those with live objects only: BeginSlot, its objects, ..., then
  // EndSpan with the span's resident bytes.
  void BeginSlot(uint64_t resident) { slots_.push_back({resident, objects_.size()}); }
  void DropSlot() { slots_.pop_back(); }  // the last one: it turned out to hold no object
  void AddObject(const Object& object) { objects_.push_back(object); }
  void EndSpan(uint64_t resident);

  // Falling by pinned bytes; those past `limit` are summed up.
  void Finish(uint32_t limit, proto::HeapSnapshot* snapshot) const;

 private:
  struct Slot {
    uint64_t resident;
    size_t first_object;
  };
  struct Use {
    uint64_t objects = 0, requested = 0, pinned = 0, alone = 0, resident = 0;
  };
  Use& Of(uint32_t site);

  std::vector<Slot> slots_;      // of the span being told
  std::vector<Object> objects_;  // of its slots
  std::vector<Use> uses_;        // by site
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_SITE_PINS_H_
