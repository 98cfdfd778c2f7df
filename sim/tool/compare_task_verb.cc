#include "sim/tool/compare_task_verb.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "sim/tool/cell_work.h"

namespace heapsim::sim {
namespace {

class CompareTaskVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("WORK", work_, "what `compare --engine=slurm` wrote")->required();
    app.add_option("--task", task_, "the task whose cells are run")->type_name("N")->required();
  }

  absl::StatusOr<Exit> Run() override {
    if (absl::Status status = RunTask(work_, task_); !status.ok()) return status;
    return Exit::kDone;
  }

 private:
  std::string work_;
  size_t task_ = 0;
};

}  // namespace

std::unique_ptr<Verb> MakeCompareTaskVerb() { return std::make_unique<CompareTaskVerb>(); }

}  // namespace heapsim::sim
