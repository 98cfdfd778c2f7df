#include "sim/replay/policy_parts.h"

#include <cstring>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "sim/replay/mark_cost.h"

namespace heapsim::sim {
namespace {

bool Same(const CostModel& a, const CostModel& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// What the policy says by default is what the machine has by default.
TEST(PolicyParts, TheDefaultCostsAreTheMachines) {
  EXPECT_TRUE(Same(CostModelOf(proto::Cost()), CostModel()));
}

TEST(PolicyParts, EachCostIsPassedOn) {
  const auto* type = proto::Cost::descriptor();
  size_t of_machine = 0;
  for (int i = 0; i < type->field_count(); ++i) {
    proto::Cost cost;
    cost.GetReflection()->SetInt64(&cost, type->field(i), 123456);
    const bool of_marking = type->field(i)->name().rfind("mark_", 0) == 0;
    EXPECT_EQ(Same(CostModelOf(cost), CostModel()), of_marking) << type->field(i)->name();
    EXPECT_EQ(MarkCostNs(cost, {1, 1, 1024}) != MarkCostNs(proto::Cost(), {1, 1, 1024}), of_marking)
        << type->field(i)->name();
    of_machine += !of_marking;
  }
  EXPECT_EQ(of_machine * sizeof(uint64_t), sizeof(CostModel));
}

TEST(PolicyParts, EveryRuleButNoneIsMade) {
  const auto* type = proto::Release::Rule_descriptor();
  for (int i = 0; i < type->value_count(); ++i) {
    proto::Policy policy;
    policy.mutable_release()->set_rule(static_cast<proto::Release::Rule>(type->value(i)->number()));
    EXPECT_EQ(ReleaseRuleOf(policy) == nullptr,
              policy.release().rule() == proto::Release::RULE_NONE);
  }
}

}  // namespace
}  // namespace heapsim::sim
