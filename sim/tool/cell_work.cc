#include "sim/tool/cell_work.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analysis/comparison.h"
#include "analysis/output_file.h"
#include "sim/tool/cell_runner.h"
#include "sim/tool/cell_threads.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/read_file.h"
#include "sim/tool/trace_set.h"

namespace heapsim::sim {
namespace {

constexpr char kFailedSuffix[] = ".failed";
constexpr char kWarningsSuffix[] = ".warnings";

absl::Status WriteFile(const std::string& path, absl::string_view text) {
  absl::StatusOr<analysis::OutputFile> file = analysis::OutputFile::Create(path);
  if (!file.ok()) return file.status();
  return file->Commit(text);
}

// The files of a folder whose names have a suffix, in the order of their names.
std::set<std::string> Files(const std::string& folder, absl::string_view suffix) {
  std::set<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (absl::EndsWith(entry.path().string(), suffix)) files.insert(entry.path().string());
  }
  return files;
}

}  // namespace

absl::StatusOr<proto::CellWork> ToWork(const ComparePlan& plan, size_t cells_per_task) {
  std::error_code error;
  proto::CellWork work;
  work.set_build(OwnBuild());
  work.set_current_folder(std::filesystem::current_path(error).string());
  if (!error)
    work.set_cells_folder(std::filesystem::absolute(plan.cache->folder(), error).string());
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the current folder cannot be told: ", error.message()));
  }
  work.mutable_trace()->Assign(plan.traces.begin(), plan.traces.end());
  work.set_from(plan.open.from);
  if (plan.open.pid.has_value()) work.set_pid(*plan.open.pid);
  work.mutable_policy()->Assign(plan.policies.begin(), plan.policies.end());
  work.mutable_seed()->Assign(plan.seeds.begin(), plan.seeds.end());
  work.set_settle_ns(plan.options.settle_ns);
  work.set_time_by_events(plan.options.time_by_events);
  work.set_samples(plan.options.samples);
  work.mutable_release_at()->Assign(plan.options.release_at.begin(), plan.options.release_at.end());
  work.set_continue_on_oom(plan.options.continue_on_oom);
  work.set_check_every(plan.options.check_every);
  work.set_detail(plan.detail);
  work.set_cells_per_task(cells_per_task);
  work.set_jobs(static_cast<uint32_t>(plan.jobs));
  return work;
}

absl::StatusOr<ComparePlan> FromWork(const proto::CellWork& work) {
  if (work.build() != OwnBuild()) {
    return absl::FailedPreconditionError(
        "the work was made by another build of heapsim; start the comparison again");
  }
  ComparePlan plan;
  plan.traces.assign(work.trace().begin(), work.trace().end());
  plan.open.from = work.from();
  if (work.has_pid()) plan.open.pid = work.pid();
  plan.policies.assign(work.policy().begin(), work.policy().end());
  plan.seeds.assign(work.seed().begin(), work.seed().end());
  plan.options.settle_ns = work.settle_ns();
  plan.options.time_by_events = work.time_by_events();
  plan.options.samples = work.samples();
  plan.options.release_at.assign(work.release_at().begin(), work.release_at().end());
  plan.options.continue_on_oom = work.continue_on_oom();
  plan.options.check_every = work.check_every();
  plan.detail = plan.open.keep_call_sites = work.detail();
  plan.jobs = static_cast<int>(work.jobs());
  absl::StatusOr<CellCache> cache = CellCache::Open(work.cells_folder());
  if (!cache.ok()) return cache.status();
  plan.cache = *std::move(cache);
  return plan;
}

absl::StatusOr<WorkFolder> WorkFolder::Create(const proto::CellWork& work, bool* existed) {
  const std::string bytes = work.SerializeAsString();
  const WorkFolder folder(
      absl::StrCat(work.cells_folder(), "/heapsim-",
                   absl::Hex(XXH3_64bits(bytes.data(), bytes.size()), absl::kZeroPad16)));
  std::error_code error;
  *existed = std::filesystem::exists(folder.work_file(), error);
  std::filesystem::create_directories(folder.log_folder(), error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder.path(), ": cannot be made: ", error.message(), "; check its permissions"));
  }
  if (absl::Status status = WriteFile(folder.work_file(), bytes); !status.ok()) return status;
  return folder;
}

WorkFolder WorkFolder::Of(const std::string& path) {
  return WorkFolder(std::filesystem::absolute(path).parent_path().string());
}

absl::StatusOr<proto::CellWork> WorkFolder::Read() const {
  absl::StatusOr<std::string> bytes = ReadFile(work_file(), "the work of a cluster's tasks");
  if (!bytes.ok()) return bytes.status();
  proto::CellWork work;
  if (bytes->empty() || !work.ParseFromString(*bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(work_file(), ": is not what `compare --engine=slurm` writes"));
  }
  return work;
}

absl::Status WorkFolder::StoreFailed(size_t cell, const proto::Cell& what) const {
  return WriteFile(absl::StrCat(path_, "/", cell, kFailedSuffix), what.SerializeAsString());
}

std::optional<proto::Cell> WorkFolder::FindFailed(size_t cell) const {
  const absl::StatusOr<std::string> bytes =
      ReadFile(absl::StrCat(path_, "/", cell, kFailedSuffix), "a failed cell");
  proto::Cell what;
  if (!bytes.ok() || bytes->empty() || !what.ParseFromString(*bytes)) return std::nullopt;
  return what;
}

void WorkFolder::ForgetFailed() const {
  std::error_code error;
  for (const std::string& file : Files(path_, kFailedSuffix)) std::filesystem::remove(file, error);
}

absl::Status WorkFolder::StoreWarnings(size_t task,
                                       const std::vector<std::string>& warnings) const {
  if (warnings.empty()) return absl::OkStatus();
  return WriteFile(absl::StrCat(path_, "/", task, kWarningsSuffix), absl::StrJoin(warnings, "\n"));
}

std::vector<std::string> WorkFolder::Warnings() const {
  std::set<std::string> lines;
  for (const std::string& file : Files(path_, kWarningsSuffix)) {
    const absl::StatusOr<std::string> text = ReadFile(file, "a task's warnings");
    if (!text.ok()) continue;
    for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      lines.emplace(line);
    }
  }
  return {lines.begin(), lines.end()};
}

void WorkFolder::Remove() const {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

absl::Status RunTask(const std::string& work_file, size_t task) {
  const WorkFolder folder = WorkFolder::Of(work_file);
  absl::StatusOr<proto::CellWork> work = folder.Read();
  if (!work.ok()) return work.status();
  // Traces keep the names by which they were given: statuses tell them.
  if (chdir(work->current_folder().c_str()) != 0) {
    return absl::NotFoundError(
        absl::StrCat(work->current_folder(),
                     ": is no folder of this machine; start heapsim in a folder that "
                     "all machines of the cluster share"));
  }
  absl::StatusOr<ComparePlan> plan = FromWork(*work);
  if (!plan.ok()) return plan.status();
  std::vector<std::vector<size_t>> cells(plan->traces.size());
  const size_t begin = task * work->cells_per_task();
  const size_t end = std::min<size_t>(begin + work->cells_per_task(), CellCount(*plan));
  for (size_t cell = begin; cell < end; ++cell) cells[PlaceOf(*plan, cell).trace].push_back(cell);

  TraceSet traces(plan->traces, plan->open);
  CellRunner runner(*plan, traces, CatchInterrupt());
  std::mutex mutex;
  absl::Status status;
  RunInThreads(cells, plan->jobs,
               {[&](size_t trace) { runner.Prepare(trace, cells[trace]); },
                [&](size_t index) {
                  bool reused = false;
                  const proto::Cell cell = runner.Run(index, &reused);
                  // The cluster ended the task: the cell has not failed.
                  if (cell.status() == analysis::kCellOk || CatchInterrupt()) return;
                  const absl::Status stored = folder.StoreFailed(index, cell);
                  const std::lock_guard<std::mutex> lock(mutex);
                  status.Update(stored);
                },
                [&](size_t trace) { runner.Release(trace); }});
  status.Update(folder.StoreWarnings(task, traces.Warnings()));
  return status;
}

}  // namespace heapsim::sim
