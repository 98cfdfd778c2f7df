#include "sim/tool/replay_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/export/perfetto.h"
#include "analysis/export/pprof.h"
#include "analysis/export/sqlite.h"
#include "analysis/html/report.h"
#include "analysis/json.h"
#include "analysis/output_file.h"
#include "analysis/series_csv.h"
#include "analysis/summary.h"
#include "sim/tool/json_flag.h"
#include "sim/tool/replay_run.h"

namespace heapsim::sim {
namespace {

// One form in which a result can be written. To add one: a line in ReplayVerb::outputs_.
struct Output {
  const char* flag;
  const char* help;
  std::function<std::string(const proto::Result& result)> text;
  std::string path;  // empty: not asked for
  bool needs_detail = false;
};

class ReplayVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    run_.AddFlags(app);
    AddJsonFlag(app, &json_.path);
    app.add_flag("--detail", detail_,
                 "look at the heap itself: snapshots, call sites, lifetimes, marks (runs twice; in "
                 "--json and --result; native policies have none)");
    for (Output& output : outputs_) {
      app.add_option(output.flag, output.path, output.help)->type_name("FILE");
    }
  }

  absl::StatusOr<Exit> Run() override {
    // The files are opened first: hours of simulation must not end at a folder that does not exist.
    std::vector<std::pair<const Output*, analysis::OutputFile>> files;
    bool to_stdout = false;
    for (const Output* output : AllOutputs()) {
      if (output->path.empty()) continue;
      absl::StatusOr<analysis::OutputFile> file = analysis::OutputFile::Create(output->path);
      if (!file.ok()) return file.status();
      files.emplace_back(output, *std::move(file));
      to_stdout |= output->path == "-";
    }
    bool detailed = detail_ || NeedsDetail();
    if (detailed) {
      const absl::StatusOr<bool> has_detail = run_.HasDetail();
      if (!has_detail.ok()) return has_detail.status();
      if (!*has_detail && IsAskedFor("--pprof")) {
        return absl::InvalidArgumentError(
            "--pprof: a policy that is measured in a real process has no heap to look into; leave "
            "it out, or take a simulated policy");
      }
      detailed = *has_detail;
    }
    absl::StatusOr<proto::Result> result = detailed ? run_.RunWithDetail(Everything()) : run_.Run();
    if (!result.ok()) return result.status();
    if (!to_stdout) {
      std::fputs(analysis::Summary(*result).c_str(), stdout);
      std::fflush(stdout);
    }
    for (auto& [output, file] : files) {
      const bool all = output == &json_ && detail_;
      const std::string text =
          all ? analysis::ResultJsonWithDetail(*result) : output->text(*result);
      if (absl::Status status = file.Commit(text); !status.ok()) return status;
    }
    if (!result->has_stopped()) return Exit::kDone;
    std::fprintf(stderr, "heapsim: %s; the result covers the run up to there\n",
                 result->stopped().c_str());
    return Exit::kSimulation;
  }

 private:
  // The peak, the end, and as many moments between as a slider has use for.
  DetailRequest Everything() const {
    DetailRequest request;
    // A profile without all of its call sites is of little use.
    if (IsAskedFor("--pprof")) request.options.limits.sites = 10000;
    request.options.moments = {{Moment::Kind::kPeak, 0, "peak"}, {Moment::Kind::kEnd, 0, "end"}};
    request.samples = 32;
    return request;
  }
  bool IsAskedFor(const std::string& flag) const {
    return std::any_of(outputs_.begin(), outputs_.end(),
                       [&](const Output& o) { return !o.path.empty() && o.flag == flag; });
  }
  bool NeedsDetail() const {
    return std::any_of(outputs_.begin(), outputs_.end(),
                       [](const Output& o) { return o.needs_detail && !o.path.empty(); });
  }
  std::vector<const Output*> AllOutputs() const {
    std::vector<const Output*> all = {&json_};
    for (const Output& output : outputs_) all.push_back(&output);
    return all;
  }

  ReplayRun run_;
  bool detail_ = false;
  Output json_ = {"--json", "", analysis::ResultJson, ""};
  std::vector<Output> outputs_ = {
      {"--csv", "write the series as CSV", analysis::SeriesCsv, ""},
      {"--html", "write a report for the browser, one file that needs no network",
       [this](const proto::Result& result) {
         return analysis::HtmlReport(result, run_.trace_path());
       },
       "", true},
      {"--perfetto", "write a trace for ui.perfetto.dev: the curves, collections, releases",
       [this](const proto::Result& result) {
         return analysis::PerfettoTrace(result, run_.trace_path());
       },
       "", true},
      {"--pprof", "write a heap profile of the peak for `go tool pprof`, by call site",
       analysis::PprofProfile, "", true},
      {"--sqlite", "write an SQLite file: the result, series, size classes, call sites as tables",
       [](const proto::Result& result) { return analysis::SqliteFile(result); }, "", true},
      {"--result", "write the result as a binary message (proto/result.proto)",
       [](const proto::Result& result) { return result.SerializeAsString(); }, "", true},
  };
};

}  // namespace

std::unique_ptr<Verb> MakeReplayVerb() { return std::make_unique<ReplayVerb>(); }

}  // namespace heapsim::sim
