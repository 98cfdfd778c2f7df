#include "sim/tool/slurm_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analysis/output_file.h"
#include "sim/tool/cell_progress.h"
#include "sim/tool/cell_runner.h"
#include "sim/tool/cell_work.h"
#include "sim/tool/command.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/slurm.h"
#include "sim/tool/version.h"

namespace heapsim::sim {
namespace {

using Clock = std::chrono::steady_clock;

// How long a controller that takes no job at all is asked again.
constexpr std::chrono::seconds kSubmitPatience{60};
// How often the queue is asked: more and more rarely.
constexpr std::chrono::milliseconds kFirstPoll{500};
constexpr std::chrono::milliseconds kLastPoll{15000};
// A task that the queue does not have is given so many further looks, further apart each time it
// ran: a shared folder may show a file later on other machines.
constexpr int kLooks = 3;
constexpr int kSlowestLooks = 5;

struct Task {
  size_t missing = 0;  // cells without an outcome
  int submitted = 0;   // how often
  bool queued = false;
  int looks = 0;  // at which it was neither in the queue nor done
};

// One plan on the cluster.
class SlurmRun {
 public:
  SlurmRun(const ComparePlan& plan, const SlurmOptions& options, const Slurm& slurm,
           size_t array_size, WorkFolder folder, size_t cells_per_task, TraceSet& traces,
           CellProgress& progress)
      : plan_(plan),
        options_(options),
        slurm_(slurm),
        folder_(std::move(folder)),
        cells_per_task_(cells_per_task),
        array_size_(array_size),
        stop_(CatchInterrupt()),
        runner_(plan, traces, stop_),
        progress_(progress) {
    tasks_.resize((CellCount(plan) + cells_per_task - 1) / cells_per_task);
    for (size_t first = 0; first < tasks_.size(); first += array_size_) {
      names_.push_back(absl::StrCat(folder_.name(), "-", names_.size()));
    }
  }

  absl::StatusOr<proto::Comparison> Run(bool existed) {
    if (absl::Status status = WriteScript(); !status.ok()) return status;
    FindKeys();
    // The queue first: what is in neither is lost, not just done. While nobody tells which tasks
    // run, nothing of theirs is touched.
    if (existed) {
      if (absl::Status status = Adopt(); !status.ok()) return status;
    }
    adopted_ = true;
    Collect(/*reused=*/true);
    const absl::Status failure = Work();
    if (stop_ || !failure.ok()) {
      slurm_.CancelJobs(names_).IgnoreError();
      if (!failure.ok()) return failure;
    }
    for (size_t cell = 0; cell < CellCount(plan_); ++cell) {
      if (!done_[cell])
        comparison_.mutable_cells(static_cast<int>(cell))->set_status("interrupted");
    }
    comparison_.set_version(kVersion);
    comparison_.set_complete(!stop_);
    return std::move(comparison_);
  }

  // Whether some cells have no outcome.
  bool lost() const { return lost_ > 0; }
  // Whether it is known which tasks of an earlier run are there; else they may use the folder.
  bool adopted() const { return adopted_; }

 private:
  absl::Status WriteScript() const {
    absl::StatusOr<std::string> tool = OwnPath();
    if (!tool.ok()) return tool.status();
    absl::StatusOr<analysis::OutputFile> file = analysis::OutputFile::Create(Script());
    if (!file.ok()) return file.status();
    // $1 is what the array's indices begin from.
    return file->Commit(absl::StrCat("#!/bin/sh\nexec ", ShellQuoted(*tool), " compare-task ",
                                     ShellQuoted(folder_.work_file()),
                                     " --task=$(($1 + SLURM_ARRAY_TASK_ID))\n"));
  }

  std::string Script() const { return folder_.path() + "/task.sh"; }

  // Where the outcome of each cell will be. A trace that this machine cannot read has none.
  void FindKeys() {
    for (size_t cell = 0; cell < CellCount(plan_); ++cell) {
      *comparison_.add_cells() = NamedCell(plan_, cell);
      absl::StatusOr<std::string> key = runner_.Key(cell);
      keys_.push_back(key.ok() ? *key : "");
      done_.push_back(false);
      ++tasks_[cell / cells_per_task_].missing;
      if (!key.ok()) Done(cell, std::string(key.status().message()));
    }
  }

  void Done(size_t cell, const std::string& status, bool reused = false) {
    comparison_.mutable_cells(static_cast<int>(cell))->set_status(status);
    done_[cell] = true;
    --tasks_[cell / cells_per_task_].missing;
    progress_.CellDone(reused);
  }

  // Takes in what the folders have. One listing each, not a look at every cell.
  void Collect(bool reused) {
    std::set<std::string> files;
    std::error_code error;
    for (const std::string& folder : {plan_.cache->folder(), folder_.path()}) {
      for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        files.insert(entry.path().filename().string());
      }
    }
    for (size_t cell = 0; cell < CellCount(plan_); ++cell) {
      if (done_[cell]) continue;
      if (files.count(keys_[cell] + ".cell") != 0) {
        bool found = false;
        proto::Cell what = runner_.Find(cell, &found);
        if (!found) continue;
        *comparison_.mutable_cells(static_cast<int>(cell)) = std::move(what);
        Done(cell, comparison_.cells(static_cast<int>(cell)).status(), reused);
      } else if (files.count(absl::StrCat(cell, ".failed")) != 0) {
        std::optional<proto::Cell> what = folder_.FindFailed(cell);
        if (!what.has_value()) continue;
        if (!plan_.keep_series && what->has_result()) what->mutable_result()->clear_series();
        *comparison_.mutable_cells(static_cast<int>(cell)) = *std::move(what);
        Done(cell, comparison_.cells(static_cast<int>(cell)).status(), reused);
      }
    }
  }

  bool AllDone() const {
    return std::all_of(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.missing == 0; });
  }

  // An earlier run of the same comparison was killed: its tasks go on. As long as it is not known
  // which, none may be submitted.
  absl::Status Adopt() {
    const Clock::time_point since = Clock::now();
    for (absl::Status status = UpdateQueue(); !status.ok(); status = UpdateQueue()) {
      if (stop_) break;
      if (Clock::now() - since > kSubmitPatience) return status;
      Sleep(kFirstPoll);
    }
    for (Task& task : tasks_) task.submitted += task.queued;
    return absl::OkStatus();
  }

  // What the queue has of our tasks. An error: the controller does not answer.
  absl::Status UpdateQueue() {
    const absl::StatusOr<std::vector<QueuedTask>> queue = slurm_.Queue(names_);
    if (!queue.ok()) return queue.status();
    for (Task& task : tasks_) task.queued = false;
    std::vector<std::string> held;
    for (const QueuedTask& queued : *queue) {
      const auto name = std::find(names_.begin(), names_.end(), queued.job_name);
      const size_t index = static_cast<size_t>(name - names_.begin()) * array_size_ + queued.task;
      if (name == names_.end() || index >= tasks_.size()) continue;
      if (queued.held) {
        held.push_back(queued.id);
      } else {
        tasks_[index].queued = true;
        last_job_[index] = queued.id;
      }
    }
    slurm_.CancelTasks(held).IgnoreError();
    return absl::OkStatus();
  }

  // Submits every task that has cells to do and is in no queue. Returns what the controller said.
  absl::Status Submit() {
    for (size_t array = 0; array < names_.size(); ++array) {
      ArrayJob job;
      const size_t first = array * array_size_;
      for (size_t i = first; i < std::min(first + array_size_, tasks_.size()); ++i) {
        if (tasks_[i].missing > 0 && !tasks_[i].queued) job.tasks.insert(i - first);
      }
      if (job.tasks.empty()) continue;
      job.name = names_[array];
      job.options = {"--ntasks=1", absl::StrCat("--cpus-per-task=", plan_.jobs)};
      job.options.insert(job.options.end(), options_.options.begin(), options_.options.end());
      job.output = folder_.log_folder() + "/%A_%a.txt";
      job.command = {Script(), absl::StrCat(first)};
      absl::StatusOr<std::string> id = slurm_.Submit(job);
      if (!id.ok()) return id.status();
      for (const size_t i : job.tasks) {
        Task& task = tasks_[first + i];
        task.queued = true;
        task.looks = 0;
        ++task.submitted;
        last_job_[first + i] = absl::StrCat(*id, "_", i);
      }
    }
    return absl::OkStatus();
  }

  // Gives up the tasks that were submitted often enough.
  void NameLost() {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (tasks_[i].queued || tasks_[i].missing == 0) continue;
      if (tasks_[i].submitted <= options_.requeues) continue;
      GiveUp(i, absl::StrCat("lost on the cluster: task ", last_job_[i],
                             " ended without a result, as did its ", tasks_[i].submitted - 1,
                             " earlier runs; its output is in ", folder_.log_folder()));
    }
  }

  void GiveUp(size_t task, const std::string& why) {
    ++lost_;
    const size_t first = task * cells_per_task_;
    for (size_t cell = first; cell < std::min(first + cells_per_task_, done_.size()); ++cell) {
      if (!done_[cell]) Done(cell, why);
    }
  }

  // Ends when all cells have an outcome or the user stops. An error: nothing was ever submitted.
  absl::Status Work() {
    std::chrono::milliseconds poll = kFirstPoll;
    bool refusing = false;
    Clock::time_point refused_since;
    bool any = std::any_of(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.queued; });
    bool settled = true;  // every task that is in no queue has been looked for long enough
    while (!AllDone() && !stop_) {
      if (settled) {
        NameLost();
        const absl::Status status = Submit();
        any |= std::any_of(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.queued; });
        if (status.ok()) {
          refusing = false;
        } else {
          if (!refusing) refused_since = Clock::now();
          refusing = true;
          const bool queued =
              std::any_of(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.queued; });
          const bool over =
              !absl::IsUnavailable(status) || Clock::now() - refused_since > kSubmitPatience;
          if (over && !any) return status;
          if (over && !queued) {
            for (size_t i = 0; i < tasks_.size(); ++i) {
              if (tasks_[i].missing > 0) {
                GiveUp(i, absl::StrCat("not run by the cluster: ", status.message()));
              }
            }
            break;
          }
        }
      }
      Sleep(poll);
      poll = std::min(poll * 5 / 4, kLastPoll);
      if (stop_) break;
      const bool answered = UpdateQueue().ok();
      // After the queue: what is in neither is lost, not just done.
      const size_t before = Left();
      Collect(/*reused=*/false);
      if (Left() != before) poll = std::max(kFirstPoll, poll / 2);
      settled = answered;
      int runs = 1;
      for (Task& task : tasks_) {
        if (!answered || task.queued || task.missing == 0 || task.submitted == 0) continue;
        if (++task.looks < kLooks) settled = false;
        runs = std::max(runs, std::min(task.submitted, kSlowestLooks));
      }
      if (!settled) poll = kFirstPoll * (1 << (runs - 1));
    }
    return absl::OkStatus();
  }

  size_t Left() const {
    size_t left = 0;
    for (const Task& task : tasks_) left += task.missing;
    return left;
  }

  void Sleep(std::chrono::milliseconds time) const {
    const Clock::time_point until = Clock::now() + time;
    while (!stop_ && Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  const ComparePlan& plan_;
  const SlurmOptions& options_;
  const Slurm& slurm_;
  const WorkFolder folder_;
  const size_t cells_per_task_;
  const size_t array_size_;
  const std::atomic<bool>& stop_;
  CellRunner runner_;
  CellProgress& progress_;
  std::vector<Task> tasks_;
  std::vector<std::string> names_;  // of the job arrays, array_size_ tasks each
  std::map<size_t, std::string> last_job_;
  std::vector<std::string> keys_;
  std::vector<bool> done_;
  proto::Comparison comparison_;
  size_t lost_ = 0;
  bool adopted_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SlurmEngine>> SlurmEngine::Create(const ComparePlan& all,
                                                                 const SlurmOptions& options) {
  absl::StatusOr<Slurm> slurm = Slurm::Find();
  if (!slurm.ok()) return slurm.status();
  return absl::WrapUnique(new SlurmEngine(all, options, *std::move(slurm)));
}

absl::StatusOr<proto::Comparison> SlurmEngine::Run(const ComparePlan& plan,
                                                   CellProgress& progress) {
  const size_t per_task = options_.cells_per_task > 0
                              ? options_.cells_per_task
                              : (CellCount(plan) + array_size_ - 1) / array_size_;
  absl::StatusOr<proto::CellWork> work = ToWork(plan, per_task);
  if (!work.ok()) return work.status();
  bool existed = false;
  absl::StatusOr<WorkFolder> folder = WorkFolder::Create(*work, &existed);
  if (!folder.ok()) return folder.status();
  folder->ForgetFailed();
  SlurmRun run(plan, options_, slurm_, array_size_, *folder, per_task, traces_, progress);
  absl::StatusOr<proto::Comparison> comparison = run.Run(existed);
  for (std::string& warning : folder->Warnings()) warnings_.insert(std::move(warning));
  const bool done = comparison.ok() && comparison->complete() && !run.lost();
  any_done_ |= comparison.ok();
  all_done_ &= done;
  // The tasks' output is for whoever wants to know why there is no outcome.
  if (done || (!comparison.ok() && (run.adopted() || !existed))) folder->Remove();
  return comparison;
}

std::vector<std::string> SlurmEngine::Finish() {
  std::vector<std::string> warnings(warnings_.begin(), warnings_.end());
  if (!options_.temporary) return warnings;
  if (all_done_ || !any_done_) {
    std::error_code error;
    std::filesystem::remove_all(cells_folder_, error);
  } else {
    warnings.push_back(
        absl::StrCat("finished cells are kept: --resume=", cells_folder_, " goes on"));
  }
  return warnings;
}

}  // namespace heapsim::sim
