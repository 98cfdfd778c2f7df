#include "sim/replay/policy_parts.h"

#include <cstring>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

bool Same(const CostModel& a, const CostModel& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// What the policy says by default is what the machine has by default.
TEST(PolicyParts, TheDefaultCostsAreTheMachines) {
  EXPECT_TRUE(Same(CostModelOf(proto::Cost()), CostModel()));
}

TEST(PolicyParts, EachCostIsPassedOn) {
  const auto* type = proto::Cost::descriptor();
  EXPECT_EQ(type->field_count() * sizeof(uint64_t), sizeof(CostModel));
  for (int i = 0; i < type->field_count(); ++i) {
    proto::Cost cost;
    cost.GetReflection()->SetInt64(&cost, type->field(i), 123456);
    EXPECT_FALSE(Same(CostModelOf(cost), CostModel())) << type->field(i)->name();
  }
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
