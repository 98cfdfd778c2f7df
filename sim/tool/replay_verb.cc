#include "sim/tool/replay_verb.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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
};

class ReplayVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    run_.AddFlags(app);
    AddJsonFlag(app, &json_.path);
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
    absl::StatusOr<proto::Result> result = run_.Run();
    if (!result.ok()) return result.status();
    if (!to_stdout) {
      std::fputs(analysis::Summary(*result).c_str(), stdout);
      std::fflush(stdout);
    }
    for (auto& [output, file] : files) {
      if (absl::Status status = file.Commit(output->text(*result)); !status.ok()) return status;
    }
    if (!result->has_stopped()) return Exit::kDone;
    std::fprintf(stderr, "heapsim: %s; the result covers the run up to there\n",
                 result->stopped().c_str());
    return Exit::kSimulation;
  }

 private:
  std::vector<const Output*> AllOutputs() const {
    std::vector<const Output*> all = {&json_};
    for (const Output& output : outputs_) all.push_back(&output);
    return all;
  }

  ReplayRun run_;
  Output json_ = {"--json", "", analysis::ResultJson, ""};
  std::vector<Output> outputs_ = {
      {"--csv", "write the series as CSV", analysis::SeriesCsv, ""},
      {"--html", "write a report for the browser, one file that needs no network",
       [this](const proto::Result& result) {
         return analysis::HtmlReport(result, run_.trace_path());
       },
       ""},
      {"--result", "write the result as a binary message (proto/result.proto)",
       [](const proto::Result& result) { return result.SerializeAsString(); }, ""},
  };
};

}  // namespace

std::unique_ptr<Verb> MakeReplayVerb() { return std::make_unique<ReplayVerb>(); }

}  // namespace heapsim::sim
