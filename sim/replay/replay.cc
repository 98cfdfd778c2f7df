#include "sim/replay/replay.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "proto/choice_name.h"
#include "sim/policies/combinations.h"
#include "sim/replay/engine.h"
#include "sim/replay/ideal.h"

namespace heapsim::sim {
namespace {

// The engine's blocks, until they end, the user stops, or the simulation cannot go on.
template <typename AnyEngine>
absl::Status RunBlocks(BlockSource& source, const ReplayOptions& options, AnyEngine& engine,
                       ReplayOutcome* outcome) {
  engine.ExpectEvents(source.events());
  traces::EventBlock own;
  while (true) {
    if (options.stop != nullptr && options.stop->load(std::memory_order_relaxed)) {
      outcome->complete = false;
      return absl::OkStatus();
    }
    const absl::StatusOr<const traces::EventBlock*> block = source.Borrow(&own);
    if (!block.ok()) return block.status();
    if (*block == nullptr) break;
    if (absl::Status s = engine.Run(**block); !s.ok()) return s;
    if (engine.out_of_memory()) {
      outcome->complete = false;
      outcome->fatal = "the simulated machine is out of memory (os.limit_bytes)";
      return absl::OkStatus();
    }
    if (options.progress) options.progress((*block)->first_event + (*block)->count - 1);
  }
  engine.Settle();
  return absl::OkStatus();
}

template <typename AnyEngine>
absl::StatusOr<ReplayOutcome> RunOn(BlockSource& source, const ReplayOptions& options,
                                    AnyEngine& engine) {
  ReplayOutcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  try {
    if (absl::Status s = RunBlocks(source, options, engine, &outcome); !s.ok()) return s;
  } catch (const heap::FatalError& e) {
    if (e.code() == heap::FatalCode::kSelfCheck) return absl::InternalError(e.what());
    outcome.complete = false;
    outcome.fatal = e.what();
  }
  engine.Fill(&outcome);
  outcome.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

}  // namespace

absl::StatusOr<ReplayOutcome> RunReplay(BlockSource& source, const proto::Policy& policy,
                                        const ReplayOptions& options) {
  if (absl::Status status = CheckCombination(policy); !status.ok()) return status;
  if (policy.engine() == proto::ENGINE_IDEAL) {
    IdealEngine engine(policy, options);
    return RunOn(source, options, engine);
  }
  if (policy.engine() != proto::ENGINE_HEAP) {
    return absl::InvalidArgumentError(absl::StrCat(
        "setting engine = ",
        proto::ChoiceName(proto::Engine_descriptor()->FindValueByNumber(policy.engine())),
        " runs no simulated heap that could be looked into; use `replay` or `compare`"));
  }
  ReplayOptions how = options;
  // Whoever looks in between must find every event done that came before.
  if (how.detail != nullptr) how.one_at_a_time = true;
  Engine engine(policy, how);
  return RunOn(source, how, engine);
}

}  // namespace heapsim::sim
