#include "sim/tool/import_verb.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "sim/tool/trace_input.h"
#include "traces/copy_process.h"
#include "traces/event_block.h"
#include "traces/io/byte_sink.h"

namespace heapsim::sim {
namespace {

class ImportVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app, "INPUT");
    app.add_option("-o,--output", output_, "the .htrace to write; - for stdout")
        ->type_name("FILE")
        ->required();
  }

  absl::StatusOr<Exit> Run() override {
    absl::StatusOr<std::unique_ptr<traces::FileSink>> sink = traces::FileSink::Create(output_);
    if (!sink.ok()) return sink.status();
    absl::Status status = trace_.has_pid() ? CopyOne(sink->get()) : CopyAll(sink->get());
    if (status.ok()) status = (*sink)->Commit();
    if (!status.ok()) return status;
    return Exit::kDone;
  }

 private:
  absl::Status CopyOne(traces::ByteSink* sink) {
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader =
        trace_.Open({.keep_call_sites = true});
    if (!reader.ok()) return reader.status();
    return traces::CopyProcess(**reader, sink);
  }

  absl::Status CopyAll(traces::ByteSink* sink) {
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader =
        trace_.Open({.keep_call_sites = true, .copy_to = sink});
    if (!reader.ok()) return reader.status();
    // A damaged .htrace must not be copied as if it were whole.
    traces::EventBlock block;
    for (;;) {
      absl::StatusOr<bool> more = (*reader)->Next(&block);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
    }
  }

  TraceInput trace_;
  std::string output_;
};

}  // namespace

std::unique_ptr<Verb> MakeImportVerb() { return std::make_unique<ImportVerb>(); }

}  // namespace heapsim::sim
