#include "sim/tool/cell_runner.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analysis/comparison.h"
#include "sim/native/allocators.h"
#include "sim/native/native_replay.h"
#include "sim/tool/result_message.h"

namespace heapsim::sim {

CellRunner::CellRunner(const ComparePlan& plan, TraceSet& traces, const std::atomic<bool>& stop)
    : plan_(plan), traces_(traces), stop_(stop), detail_(DetailOfCells(CellCount(plan))) {}

bool CellRunner::LooksAt(size_t cell) const {
  return plan_.detail && !IsNative(plan_.policies[PlaceOf(plan_, cell).policy]);
}

ReplayOptions CellRunner::OptionsOf(size_t cell) const {
  ReplayOptions options = plan_.options;
  options.seed = plan_.seeds[PlaceOf(plan_, cell).seed];
  options.stop = &stop_;
  return options;
}

absl::StatusOr<std::string> CellRunner::Key(size_t cell) {
  const CellPlace place = PlaceOf(plan_, cell);
  const absl::StatusOr<std::string>& hash = traces_.Hash(plan_.traces[place.trace]);
  if (!hash.ok()) return hash.status();
  const std::string events =
      absl::StrCat(*hash, " ", plan_.open.from, " ",
                   plan_.open.pid.has_value() ? absl::StrCat(*plan_.open.pid) : "any");
  return CellCache::Key(events, plan_.policies[place.policy], OptionsOf(cell),
                        LooksAt(cell) ? &detail_ : nullptr);
}

void CellRunner::Prepare(size_t trace, absl::Span<const size_t> cells) {
  if (stop_) return;
  const auto kept = [&](size_t cell) {
    const absl::StatusOr<std::string> key = Key(cell);
    return key.ok() && plan_.cache->Has(*key);
  };
  if (plan_.cache.has_value() && std::all_of(cells.begin(), cells.end(), kept)) return;
  try {
    // Whatever is wrong is told to each cell once more.
    traces_.Get(plan_.traces[trace]).Open().IgnoreError();
  } catch (const std::bad_alloc&) {
    // So is this: whoever opens it then has it decoded block by block.
  }
}

void CellRunner::Release(size_t trace) { traces_.Get(plan_.traces[trace]).Release(); }

proto::Cell CellRunner::Run(size_t index, bool* reused) {
  *reused = false;
  absl::StatusOr<proto::Result> result = absl::CancelledError("interrupted");
  if (!stop_) {
    try {
      result = Replay(index, reused);
    } catch (const std::bad_alloc&) {
      result = absl::ResourceExhaustedError("this machine has not enough memory for the cell");
    }
  }
  return Finished(index, std::move(result));
}

proto::Cell CellRunner::Find(size_t index, bool* found) {
  *found = false;
  absl::StatusOr<proto::Result> result = absl::NotFoundError("not run");
  const absl::StatusOr<std::string> key = Key(index);
  if (key.ok() && plan_.cache.has_value()) {
    if (std::optional<proto::Result> kept = Kept(index, *key); kept.has_value()) {
      result = *std::move(kept);
      *found = true;
    }
  }
  return Finished(index, std::move(result));
}

proto::Cell CellRunner::Finished(size_t index, absl::StatusOr<proto::Result> result) const {
  proto::Cell cell = NamedCell(plan_, index);
  if (!result.ok()) {
    cell.set_status(std::string(result.status().message()));
    return cell;
  }
  cell.set_status(result->has_stopped() ? result->stopped() : analysis::kCellOk);
  if (!plan_.keep_series) result->clear_series();
  *cell.mutable_result() = *std::move(result);
  return cell;
}

std::optional<proto::Result> CellRunner::Kept(size_t cell, const std::string& key) const {
  std::optional<proto::Result> found = plan_.cache->Find(key);
  // Names are no part of the key.
  if (found.has_value()) *found->mutable_policy() = plan_.policies[PlaceOf(plan_, cell).policy];
  return found;
}

absl::StatusOr<proto::Result> CellRunner::Replay(size_t cell, bool* reused) {
  const CellPlace place = PlaceOf(plan_, cell);
  SharedTrace& trace = traces_.Get(plan_.traces[place.trace]);
  const proto::Policy& policy = plan_.policies[place.policy];
  const ReplayOptions options = OptionsOf(cell);
  std::string key;
  if (plan_.cache.has_value()) {
    absl::StatusOr<std::string> name = Key(cell);
    if (!name.ok()) return name.status();
    key = *std::move(name);
    if (std::optional<proto::Result> found = Kept(cell, key); found.has_value()) {
      *reused = true;
      return *std::move(found);
    }
  }
  const auto run = [&]() -> absl::StatusOr<ReplayOutcome> {
    if (LooksAt(cell)) {
      return RunReplayWithDetail([&] { return trace.Open(); }, policy, options, detail_);
    }
    absl::StatusOr<std::unique_ptr<BlockSource>> source = trace.Open();
    if (!source.ok()) return source.status();
    return RunAnyReplay(**source, policy, options);
  };
  absl::StatusOr<ReplayOutcome> outcome = run();
  if (!outcome.ok()) return outcome.status();
  if (outcome->detail.has_value()) trace.NameFrames(&*outcome->detail);
  const auto& facts = trace.facts();
  proto::Result result =
      ToResult(*outcome, policy, options.seed, facts.has_value() ? &*facts : nullptr);
  if (plan_.cache.has_value() && !result.has_stopped()) {
    if (absl::Status status = plan_.cache->Store(key, result); !status.ok()) return status;
  }
  return result;
}

}  // namespace heapsim::sim
