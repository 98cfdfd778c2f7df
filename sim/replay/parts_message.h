// The parts of RSS as a message.
#ifndef HEAPSIM_SIM_REPLAY_PARTS_MESSAGE_H_
#define HEAPSIM_SIM_REPLAY_PARTS_MESSAGE_H_

#include "proto/parts.pb.h"
#include "sim/replay/ledger.h"

namespace heapsim::sim {

inline proto::Parts ToProto(const Parts& from) {
  proto::Parts to;
  to.set_live_resident_bytes(from.live_resident);
  to.set_internal_bytes(from.internal);
  to.set_dead_bytes(from.dead);
  to.set_span_slack_bytes(from.span_slack);
  to.set_free_pages_bytes(from.free_pages);
  to.set_manual_bytes(from.manual);
  to.set_metadata_bytes(from.metadata);
  to.set_lazyfree_bytes(from.lazyfree);
  return to;
}

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_PARTS_MESSAGE_H_
