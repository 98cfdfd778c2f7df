#include "sim/tool/slurm.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "sim/tool/command.h"

namespace heapsim::sim {
namespace {

// Slurm's own commands give up after MessageTimeout, which is 10 s by default.
constexpr std::chrono::seconds kPatience{60};
// Slurm's default.
constexpr size_t kUsualArraySize = 1001;
// A list of more indices may be too long for a command line.
constexpr size_t kLargestArray = 10000;

// What a controller says that is busy, restarts or is full for now.
constexpr absl::string_view kPassing[] = {
    "unable to contact", "timed out",  "temporarily",  "connect",
    "communication",     "zero bytes", "submit limit",
};

// Runs one of Slurm's commands.
absl::StatusOr<std::string> Run(const std::vector<std::string>& words) {
  absl::StatusOr<CommandOutput> output = RunCommand(words, kPatience);
  if (absl::IsDeadlineExceeded(output.status())) {
    return absl::UnavailableError(output.status().message());
  }
  if (!output.ok()) return output.status();
  if (output->status == 0) return output->out;
  std::string said(absl::StripAsciiWhitespace(output->err));
  if (said.empty()) said = absl::StrCat("exit status ", output->status);
  const std::string message = absl::StrCat(words[0], " failed: ", said);
  for (const absl::string_view passing : kPassing) {
    if (absl::StrContains(absl::AsciiStrToLower(said), passing))
      return absl::UnavailableError(message);
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

std::string TaskRanges(const std::set<size_t>& tasks) {
  std::vector<std::string> ranges;
  for (auto it = tasks.begin(); it != tasks.end();) {
    const size_t first = *it;
    size_t last = first;
    while (++it != tasks.end() && *it == last + 1) ++last;
    ranges.push_back(first == last ? absl::StrCat(first) : absl::StrCat(first, "-", last));
  }
  return absl::StrJoin(ranges, ",");
}

std::vector<QueuedTask> ParseQueue(const std::string& text) {
  std::vector<QueuedTask> tasks;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits('|', 4));
    QueuedTask task;
    if (words.size() != 5 || !absl::SimpleAtoi(words[2], &task.task)) continue;
    task.job_name = words[0];
    task.id = absl::StrCat(words[1], "_", words[2]);
    task.running = words[3] == "RUNNING";
    task.held = absl::StrContains(absl::AsciiStrToLower(words[4]), "held");
    tasks.push_back(std::move(task));
  }
  return tasks;
}

absl::StatusOr<Slurm> Slurm::Find() {
  for (const char* command : {"sbatch", "squeue", "scancel"}) {
    if (InPath(command)) continue;
    return absl::NotFoundError(absl::StrCat(
        "--engine=slurm: there is no ", command,
        " in PATH; run this on a machine of the cluster that jobs can be submitted from (Debian's "
        "package is slurm-client), or with --engine=local"));
  }
  return Slurm();
}

size_t Slurm::MaxArraySize() const {
  size_t size = kUsualArraySize;
  const absl::StatusOr<std::string> config = Run({"scontrol", "show", "config"});
  if (!config.ok()) return size;
  for (absl::string_view line : absl::StrSplit(*config, '\n')) {
    if (!absl::ConsumePrefix(&line, "MaxArraySize")) continue;
    size_t found = 0;
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, '=');
    if (absl::SimpleAtoi(parts.second, &found) && found > 0) size = found;
  }
  return std::min(size, kLargestArray);
}

absl::StatusOr<std::string> Slurm::Submit(const ArrayJob& job) const {
  std::vector<std::string> words = {"sbatch",
                                    "--parsable",
                                    "--requeue",
                                    "--open-mode=append",
                                    absl::StrCat("--job-name=", job.name),
                                    absl::StrCat("--array=", TaskRanges(job.tasks)),
                                    absl::StrCat("--output=", job.output)};
  words.insert(words.end(), job.options.begin(), job.options.end());
  words.insert(words.end(), job.command.begin(), job.command.end());
  absl::StatusOr<std::string> out = Run(words);
  if (!out.ok()) return out.status();
  // "12" or "12;cluster".
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(absl::StripAsciiWhitespace(*out), absl::MaxSplits(';', 1));
  return std::string(parts.first);
}

absl::StatusOr<std::vector<QueuedTask>> Slurm::Queue(const std::vector<std::string>& names) const {
  absl::StatusOr<std::string> out =
      Run({"squeue", "--noheader", "--array", "--format=%j|%F|%K|%T|%r",
           absl::StrCat("--name=", absl::StrJoin(names, ","))});
  if (!out.ok()) return out.status();
  return ParseQueue(*out);
}

absl::Status Slurm::CancelTasks(const std::vector<std::string>& ids) const {
  if (ids.empty()) return absl::OkStatus();
  std::vector<std::string> words = {"scancel"};
  words.insert(words.end(), ids.begin(), ids.end());
  return Run(words).status();
}

absl::Status Slurm::CancelJobs(const std::vector<std::string>& names) const {
  absl::Status status;
  for (const std::string& name : names) {
    status.Update(Run({"scancel", absl::StrCat("--name=", name)}).status());
  }
  return status;
}

}  // namespace heapsim::sim
