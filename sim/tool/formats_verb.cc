#include "sim/tool/formats_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/str_format.h"
#include "traces/importers/registry.h"

namespace heapsim::sim {
namespace {

class FormatsVerb : public Verb {
 public:
  void AddFlags(CLI::App&) override {}

  absl::StatusOr<Exit> Run() override {
    size_t width = 0;
    for (const traces::Importer* importer : traces::AllImporters()) {
      width = std::max(width, importer->name().size());
    }
    const int column = static_cast<int>(width);
    absl::PrintF("%-*s  %s\n", column, "htrace", "heapsim's own file: read and written");
    for (const traces::Importer* importer : traces::AllImporters()) {
      absl::PrintF("%-*s  %s\n", column, importer->name(), importer->description());
    }
    return Exit::kDone;
  }
};

}  // namespace

std::unique_ptr<Verb> MakeFormatsVerb() { return std::make_unique<FormatsVerb>(); }

}  // namespace heapsim::sim
