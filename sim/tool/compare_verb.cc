#include "sim/tool/compare_verb.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analysis/comparison.h"
#include "analysis/comparison_output.h"
#include "analysis/export/perfetto.h"
#include "analysis/export/sqlite.h"
#include "analysis/html/report.h"
#include "analysis/output_file.h"
#include "sim/policies/combinations.h"
#include "sim/policies/grid.h"
#include "sim/policies/registry.h"
#include "sim/policies/search_space.h"
#include "sim/policies/settings.h"
#include "sim/tool/json_flag.h"
#include "sim/tool/local_engine.h"
#include "sim/tool/read_file.h"
#include "sim/tool/replay_flags.h"
#include "sim/tool/search_run.h"
#include "sim/tool/slurm.h"
#include "sim/tool/slurm_run.h"
#include "sim/tool/trace_input.h"

namespace heapsim::sim {
namespace {

using analysis::OutputFile;

// One form in which a comparison can be written. To add one: a line in CompareVerb::outputs_.
struct Output {
  const char* flag;
  const char* help;
  std::function<std::string(const proto::Comparison& comparison)> text;
  bool with_series;       // shows the memory of each cell over time
  bool with_detail;       // and what is in its heap
  std::string path = "";  // empty: not asked for
};

class CompareVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("TRACE", plan_.traces,
                   "each a .htrace or a recording of a known format, packed or not")
        ->required();
    app.add_option("--pid", plan_.open.pid, "the process to take of every trace")->type_name("N");
    app.add_option("--from", plan_.open.from, "the traces' format (default: recognised by content)")
        ->type_name("FORMAT");
    app.add_option("--policy", policies_,
                   "a policy's name or a .textproto file (repeatable; the first is what the others "
                   "are compared with)")
        ->type_name("NAME|FILE")
        ->allow_extra_args(false);
    app.add_option("--grid", grid_, "further policies: the product of settings (proto/grid.proto)")
        ->type_name("FILE.textproto");
    app.add_option("--set", settings_, "changes one setting of every policy (repeatable)")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false);
    app.add_option("--seed", plan_.seeds,
                   "of the simulated heap's random numbers (repeatable: each is run; default 1)")
        ->type_name("N")
        ->allow_extra_args(false);
    flags_.AddFlags(app);
    app.add_option("--jobs", jobs_, "cells that run at the same time (default: a processor each)")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    app.add_option("--engine", engine_, "where the cells run")
        ->check(CLI::IsMember({"local", "slurm"}))
        ->capture_default_str();
    slurm_flags_ = {
        app.add_option(
               "--cells-per-task", slurm_.cells_per_task,
               "slurm: cells that a task of the job array runs (default: one array for all)")
            ->type_name("N")
            ->check(CLI::Range(1, 1000000)),
        app.add_option("--requeues", slurm_.requeues,
                       "slurm: how often a task that ended without its results runs again")
            ->type_name("N")
            ->check(CLI::Range(0, 1000))
            ->capture_default_str(),
        app.add_option("--sbatch", slurm_.options,
                       "slurm: a further option of sbatch, as in --sbatch=--partition=main "
                       "(repeatable)")
            ->type_name("OPTION")
            ->allow_extra_args(false)};
    app.add_option("--search", search_.evaluations,
                   "tries so many values of the grid's search ranges for the first policy, and "
                   "shows the best beside it")
        ->type_name("N")
        ->check(CLI::Range(1, 100000));
    search_flags_ = {
        app.add_option("--search-for", search_for_, "what the search makes less")
            ->check(CLI::IsMember({"peak_rss", "mean_rss"}))
            ->capture_default_str(),
        app.add_option("--cost-weight", search_.cost_weight,
                       "search: the objective is the ratio of memory times that of cost to this "
                       "power")
            ->check(CLI::Range(0.0, 100.0))
            ->capture_default_str(),
        app.add_option("--max-cost", search_.max_cost_ratio,
                       "search: the cost may be at most so many times the first policy's")
            ->type_name("RATIO")
            ->check(CLI::Range(0.0, 1e6)),
        app.add_option("--hold-back", search_.hold_back,
                       "search: share of the traces that only judge what was found")
            ->type_name("SHARE")
            ->check(CLI::Range(0.0, 1.0)),
        app.add_option("--search-seed", search_.seed,
                       "of the traces held back and of the search's random numbers")
            ->type_name("N")
            ->capture_default_str()};
    app.add_option("--resume", resume_,
                   "a folder that keeps finished cells: those in it are not run again; with "
                   "--engine=slurm one that all machines share (default there: a new one in the "
                   "current folder, for the time)")
        ->type_name("FOLDER");
    app.add_flag(
        "--detail", detail_,
        "look at the heap of each cell: snapshots, call sites, marks (runs each cell twice; "
        "--html, --perfetto and --sqlite do so by themselves)");
    app.add_flag("--no-detail", no_detail_, "do not, in half of the time");
    AddJsonFlag(app, &json_.path);
    app.add_option("--pprof", pprof_, "is of one run: see `replay --pprof`")->type_name("FILE");
    for (Output& output : outputs_) {
      app.add_option(output.flag, output.path, output.help)->type_name("FILE");
    }
  }

  absl::StatusOr<Exit> Run() override {
    if (absl::Status status = Plan(); !status.ok()) return status;
    std::vector<std::pair<const Output*, OutputFile>> files;
    bool to_stdout = false;
    for (const Output* output : AllOutputs()) {
      if (output->path.empty()) continue;
      absl::StatusOr<OutputFile> file = OutputFile::Create(output->path);
      if (!file.ok()) return file.status();
      files.emplace_back(output, *std::move(file));
      to_stdout |= output->path == "-";
    }
    plan_.keep_series = std::any_of(files.begin(), files.end(),
                                    [](const auto& file) { return file.first->with_series; });
    const bool shown = std::any_of(files.begin(), files.end(),
                                   [](const auto& file) { return file.first->with_detail; });
    plan_.detail = plan_.open.keep_call_sites = detail_ || (shown && !no_detail_);
    absl::StatusOr<proto::Comparison> run = RunPlan();
    if (!run.ok()) return run.status();
    proto::Comparison& comparison = *run;
    const bool any = std::any_of(comparison.cells().begin(), comparison.cells().end(),
                                 [](const proto::Cell& cell) { return cell.has_result(); });
    // Nothing ran: the call is wrong, or the only trace is damaged.
    if (!any && comparison.complete()) {
      return absl::InvalidArgumentError(comparison.cells(0).status());
    }
    analysis::Summarise(&comparison);
    if (!to_stdout) {
      std::fputs(analysis::ComparisonTable(comparison).c_str(), stdout);
      std::fflush(stdout);
    }
    for (auto& [output, file] : files) {
      if (absl::Status status = file.Commit(output->text(comparison)); !status.ok()) return status;
    }
    int failed = 0;
    for (const proto::Cell& cell : comparison.cells()) failed += cell.status() != analysis::kCellOk;
    if (failed == 0) return Exit::kDone;
    std::fprintf(stderr, "heapsim: %d of %d cells failed; their status says why\n", failed,
                 comparison.cells_size());
    return Exit::kNo;
  }

 private:
  std::vector<const Output*> AllOutputs() const {
    std::vector<const Output*> all = {&json_};
    for (const Output& output : outputs_) all.push_back(&output);
    return all;
  }

  // Everything about the call that can be wrong is told before the first cell runs.
  absl::Status Plan() {
    if (!pprof_.empty()) {
      return absl::InvalidArgumentError(
          "--pprof: a profile is of one run; write one a run with `heapsim replay TRACE "
          "--policy=NAME --pprof=FILE` and compare them with `go tool pprof -diff_base`, or see "
          "`heapsim explain TRACE --policy=A --policy=B`");
    }
    if (detail_ && no_detail_) {
      return absl::InvalidArgumentError("--detail and --no-detail: leave one of them out");
    }
    for (const std::string& name : policies_) {
      absl::StatusOr<proto::Policy> policy = LoadPolicy(name);
      if (!policy.ok()) return policy.status();
      plan_.policies.push_back(*std::move(policy));
    }
    if (!grid_.empty()) {
      absl::StatusOr<std::string> text = ReadFile(grid_, "the grid");
      if (!text.ok()) return text.status();
      absl::StatusOr<Grid> grid = ParseGrid(grid_, *text);
      if (!grid.ok()) return grid.status();
      if (grid->is_default && !policies_.empty()) grid->policies.clear();
      for (proto::Policy& policy : grid->policies) plan_.policies.push_back(std::move(policy));
      ranges_ = std::move(grid->search);
    }
    if (plan_.policies.empty()) {
      return absl::InvalidArgumentError(
          "nothing to compare: give --policy=NAME for each policy, or --grid=FILE; `heapsim "
          "policies` lists the names");
    }
    std::set<std::string> seen;
    for (proto::Policy& policy : plan_.policies) {
      if (!seen.insert(policy.name()).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("two policies are called '", policy.name(),
                         "'; leave one out, or set `name` in its file"));
      }
      for (const std::string& setting : settings_) {
        if (absl::Status status = ApplySetting(setting, &policy); !status.ok()) {
          return absl::InvalidArgumentError(absl::StrCat("--set: ", status.message()));
        }
      }
      if (absl::Status status = CheckCombination(policy); !status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("policy '", policy.name(), "': ", status.message()));
      }
    }
    seen.clear();
    for (const std::string& trace : plan_.traces) {
      if (!seen.insert(trace).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("trace ", trace, " is given twice; leave one out"));
      }
      if (trace != "-" && access(trace.c_str(), F_OK) != 0) {
        return absl::NotFoundError(absl::StrCat(trace, ": no such file; check the path"));
      }
    }
    if (absl::Status status = PlanSearch(); !status.ok()) return status;
    if (plan_.seeds.empty()) plan_.seeds = {1};
    if (std::set<uint64_t>(plan_.seeds.begin(), plan_.seeds.end()).size() != plan_.seeds.size()) {
      return absl::InvalidArgumentError("--seed: a seed is given twice; leave one out");
    }
    plan_.jobs = jobs_ > 0    ? jobs_
                 : on_slurm() ? 1
                              : static_cast<int>(std::thread::hardware_concurrency());
    plan_.options = flags_.options();
    if (!on_slurm()) {
      for (const CLI::Option* flag : slurm_flags_) {
        if (flag->count() == 0) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            flag->get_name(), " is for --engine=slurm; leave one of them out, or give both"));
      }
      if (resume_.empty()) return absl::OkStatus();
    }
    if (seen.count("-") != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(resume_.empty() ? "--engine=slurm" : "--resume",
                       ": cells of standard input cannot be kept, since it cannot be known again; "
                       "give the trace by its path"));
    }
    if (on_slurm()) {
      // Told before a folder is made.
      if (absl::Status status = Slurm::Find().status(); !status.ok()) return status;
    }
    if (resume_.empty()) {
      slurm_.temporary = true;
      resume_ = "heapsim-compare-XXXXXX";
      if (mkdtemp(resume_.data()) == nullptr) {
        return absl::ErrnoToStatus(
            errno,
            "--engine=slurm: no folder can be made in the current one; name one that all "
            "machines share by --resume=FOLDER");
      }
    }
    absl::StatusOr<CellCache> cache = CellCache::Open(resume_);
    if (!cache.ok()) return cache.status();
    plan_.cache = *std::move(cache);
    return absl::OkStatus();
  }

  absl::Status PlanSearch() {
    if (search_.evaluations == 0) {
      for (const CLI::Option* flag : search_flags_) {
        if (flag->count() == 0) continue;
        return absl::InvalidArgumentError(
            absl::StrCat(flag->get_name(), " is for --search=N; leave it out, or give both"));
      }
      return absl::OkStatus();
    }
    if (ranges_.empty()) {
      return absl::InvalidArgumentError(
          "--search: there is nothing to vary; give --grid=FILE with search { path: \"gc.percent\" "
          "min: 20 max: 400 }");
    }
    absl::StatusOr<SearchSpace> space = SearchSpace::Create(grid_, ranges_, plan_.policies[0]);
    if (!space.ok()) return space.status();
    space_ = *std::move(space);
    search_.metric = absl::StrCat("memory.", search_for_, "_bytes");
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<CellEngine>> MakeEngine() const {
    if (on_slurm()) return SlurmEngine::Create(plan_, slurm_);
    return std::make_unique<LocalEngine>(plan_);
  }

  absl::StatusOr<proto::Comparison> RunPlan() {
    absl::StatusOr<std::unique_ptr<CellEngine>> engine = MakeEngine();
    if (!engine.ok()) return engine.status();
    absl::StatusOr<proto::Comparison> comparison = RunOn(**engine);
    for (const std::string& warning : (*engine)->Finish()) Warn(warning);
    return comparison;
  }

  absl::StatusOr<proto::Comparison> RunOn(CellEngine& engine) {
    if (space_.has_value()) return RunSearch(plan_, *space_, search_, engine);
    CellProgress progress(CellCount(plan_));
    return engine.Run(plan_, progress);
  }

  bool on_slurm() const { return engine_ == "slurm"; }

  ComparePlan plan_;
  SlurmOptions slurm_;
  std::vector<const CLI::Option*> slurm_flags_;
  std::vector<proto::SearchRange> ranges_;
  std::optional<SearchSpace> space_;
  SearchOptions search_;
  std::string search_for_ = "peak_rss";
  std::vector<const CLI::Option*> search_flags_;
  int jobs_ = 0;  // 0: not given
  std::vector<std::string> policies_;
  std::string grid_;
  std::vector<std::string> settings_;
  ReplayFlags flags_;
  bool detail_ = false, no_detail_ = false;
  std::string pprof_;
  std::string engine_ = "local";
  std::string resume_;
  Output json_ = {"--json", "", analysis::ComparisonJson, false, false};
  std::vector<Output> outputs_ = {
      {"--csv", "write the cells as CSV", analysis::ComparisonCsv, false, false},
      {"--html", "write a report for the browser, one file that needs no network",
       [](const auto& comparison) { return analysis::HtmlReport(comparison); }, true, true},
      {"--perfetto", "write a trace for ui.perfetto.dev: a process for each cell",
       [](const auto& comparison) { return analysis::PerfettoTrace(comparison); }, true, true},
      {"--sqlite",
       "write an SQLite file: the tables of `replay --sqlite` for all cells, the summary",
       [](const auto& comparison) { return analysis::SqliteFile(comparison); }, true, true},
      {"--result", "write the comparison as a binary message (proto/comparison.proto)",
       [](const auto& comparison) { return comparison.SerializeAsString(); }, true, false},
  };
};

}  // namespace

std::unique_ptr<Verb> MakeCompareVerb() { return std::make_unique<CompareVerb>(); }

}  // namespace heapsim::sim
