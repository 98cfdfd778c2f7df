// The parts of heap and machine that a policy's settings name.
#ifndef HEAPSIM_SIM_REPLAY_POLICY_PARTS_H_
#define HEAPSIM_SIM_REPLAY_POLICY_PARTS_H_

#include <memory>

#include "heap/front/front_end.h"
#include "heap/release/release_rule.h"
#include "proto/policy.pb.h"
#include "sim/machine/cost_model.h"

namespace heapsim::sim {

// Null: nothing goes back by itself.
std::unique_ptr<heap::ReleaseRule> ReleaseRuleOf(const proto::Policy& policy);

// Null: the heap's own caches.
std::unique_ptr<heap::FrontEnd> FrontEndOf(const proto::Policy& policy);

CostModel CostModelOf(const proto::Cost& cost);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_POLICY_PARTS_H_
