#include "heap/pages/go119/scavenge_pacing.h"

#include <algorithm>
#include <cmath>

namespace heapsim::heap::go119 {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kMinWork = 1e6;  // ns; less is taken for this much
constexpr double kStartingRatio = 0.001;
constexpr double kIdealFraction = 0.01;
constexpr int64_t kCooldown = 5'000'000'000;
// Of the controller: gain, times of integration and of reset in ns, limits of the ratio.
constexpr double kGain = 0.3375, kIntegration = 3.2e6, kReset = 1e9, kMin = 0.001, kMax = 1000.0;

// Truncated, and limited to what fits.
uint64_t ToUint(double v) {
  if (!(v < 2 * kTwoTo63)) return UINT64_MAX;
  return v <= 0 ? 0 : static_cast<uint64_t>(v);
}

int64_t ToInt(double v) { return v < kTwoTo63 ? static_cast<int64_t>(v) : INT64_MIN; }

}  // namespace

ScavengeGoals PaceScavenger(uint64_t heap_goal, uint64_t last_heap_goal, uint64_t memory_limit,
                            uint64_t last_heap_in_use, uint64_t mapped, uint64_t retained,
                            Bytes os_page) {
  ScavengeGoals goals;
  // 95 percent are meant, 95 times it is.
  const uint64_t limit_goal = ToUint(static_cast<double>(memory_limit) * 95.0);
  goals.memory_limit = mapped <= limit_goal ? kNoGoal : limit_goal;
  if (last_heap_goal == 0) {
    goals.gc_percent = kNoGoal;
    return goals;
  }
  const double ratio = static_cast<double>(heap_goal) / static_cast<double>(last_heap_goal);
  uint64_t goal = ToUint(static_cast<double>(last_heap_in_use) * ratio);
  goal += goal / 10;
  goal = RoundUp(goal, os_page.v);
  goals.gc_percent = retained <= goal || retained - goal < os_page.v ? kNoGoal : goal;
  return goals;
}

int64_t ScavengeSleep::SleepAfter(double worked) const {
  return ToInt(std::max(worked, kMinWork) / ratio_);
}

ScavengeSleep::State ScavengeSleep::Slept(double worked, int64_t slept, uint64_t procs) {
  worked = std::max(worked, kMinWork);
  if (cooldown_ > 0) {
    const int64_t t = slept + ToInt(worked);
    cooldown_ = t > cooldown_ ? 0 : cooldown_ - t;
    return State::kCooling;
  }
  const double period = static_cast<double>(slept) + worked;
  const double used = worked / (period * static_cast<double>(procs));
  const double error = kIdealFraction - used;
  const double raw = kGain * error + integral_;
  bool ok = std::isfinite(raw);
  if (ok) {
    ratio_ = std::clamp(raw, kMin, kMax);
    integral_ += (kGain * period / kIntegration) * error + (period / kReset) * (ratio_ - raw);
    ok = std::isfinite(integral_);
  }
  if (ok) return State::kOk;
  // The assumption that work answers to the ratio broke down: rest for a while.
  integral_ = 0;
  ratio_ = kStartingRatio;
  cooldown_ = kCooldown;
  return State::kReset;
}

}  // namespace heapsim::heap::go119
