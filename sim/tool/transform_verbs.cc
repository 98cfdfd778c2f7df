#include "sim/tool/transform_verbs.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sim/tool/trace_input.h"
#include "traces/generate.h"
#include "traces/io/byte_sink.h"
#include "traces/transform/export.h"
#include "traces/transform/transform.h"

namespace heapsim::sim {
namespace {

// What these verbs share: an output that appears whole or not at all.
class OutputVerb : public Verb {
 public:
  absl::StatusOr<Exit> Run() override {
    absl::StatusOr<std::unique_ptr<traces::FileSink>> sink = traces::FileSink::Create(output_);
    if (!sink.ok()) return sink.status();
    absl::Status status = Write(sink->get());
    if (status.ok()) status = (*sink)->Commit();
    if (!status.ok()) return status;
    return Exit::kDone;
  }

 protected:
  void AddOutput(CLI::App& app, const std::string& what = "the .htrace to write") {
    app.add_option("-o,--output", output_, what + "; - for stdout")->type_name("FILE")->required();
  }
  virtual absl::Status Write(traces::ByteSink* sink) = 0;

 private:
  std::string output_;
};

// One that reads a single trace.
class OneTraceVerb : public OutputVerb {
 protected:
  virtual absl::Status Write(traces::TraceReader& reader, traces::ByteSink* sink) = 0;
  absl::Status Write(traces::ByteSink* sink) override {
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader =
        trace_.Open({.keep_call_sites = true});
    if (!reader.ok()) return reader.status();
    return Write(**reader, sink);
  }

  TraceInput trace_;
};

class SliceVerb : public OneTraceVerb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    app.add_option("--first", options_.first, "the first event taken, from 1")->type_name("EVENT");
    app.add_option("--last", options_.last, "the last event taken (default: the trace's last)")
        ->type_name("EVENT");
    app.add_flag("--drop-live", drop_live_,
                 "leave out what was alive before; else it stands in front, as allocations");
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::TraceReader& reader, traces::ByteSink* sink) override {
    options_.keep_live = !drop_live_;
    return traces::SliceTrace(reader, options_, sink);
  }

 private:
  traces::SliceOptions options_;
  bool drop_live_ = false;
};

class MergeVerb : public OutputVerb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("TRACE", paths_, "the traces; each gives its process of most events")
        ->required();
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::ByteSink* sink) override {
    std::vector<std::unique_ptr<traces::TraceReader>> readers;
    std::vector<traces::TraceReader*> pointers;
    for (const std::string& path : paths_) {
      absl::StatusOr<traces::OpenedTrace> opened =
          traces::OpenTrace(path, {.keep_call_sites = true});
      if (!opened.ok()) return opened.status();
      for (const std::string& warning : opened->warnings) Warn(absl::StrCat(path, ": ", warning));
      readers.push_back(std::move(opened->reader));
      pointers.push_back(readers.back().get());
    }
    return traces::MergeTraces(pointers, sink);
  }

 private:
  std::vector<std::string> paths_;
};

class LoopVerb : public OutputVerb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    app.add_option("--rounds", options_.rounds, "how many times the trace runs")->type_name("N");
    app.add_flag("--keep-live", keep_live_,
                 "what is alive at the end of a round stays; else it is freed there");
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::ByteSink* sink) override {
    if (trace_.path() == "-") {
      return absl::InvalidArgumentError("loop reads its trace several times: give a file, not -");
    }
    options_.free_at_end = !keep_live_;
    return traces::LoopTrace([this] { return trace_.Open({.keep_call_sites = true}); }, options_,
                             sink);
  }

 private:
  TraceInput trace_;
  traces::LoopOptions options_;
  bool keep_live_ = false;
};

class ScaleVerb : public OneTraceVerb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    app.add_option("--sizes", options_.sizes, "multiplies every size")->type_name("FACTOR");
    app.add_option("--time", options_.time, "multiplies every time")->type_name("FACTOR");
    app.add_option("--copies", options_.copies, "how many times every event happens")
        ->type_name("N");
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::TraceReader& reader, traces::ByteSink* sink) override {
    return traces::ScaleTrace(reader, options_, sink);
  }

 private:
  traces::ScaleOptions options_;
};

class AnonymizeVerb : public OneTraceVerb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::TraceReader& reader, traces::ByteSink* sink) override {
    return traces::AnonymizeTrace(reader, sink);
  }
};

class ExportVerb : public OneTraceVerb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    std::string formats;
    for (const traces::ExportFormat& format : traces::ExportFormats()) {
      absl::StrAppend(&formats, formats.empty() ? "" : ", ", format.name, " (", format.description,
                      ")");
    }
    app.add_option("--to", to_, formats)->type_name("FORMAT")->required();
    AddOutput(app, "the file to write");
  }

 protected:
  absl::Status Write(traces::TraceReader& reader, traces::ByteSink* sink) override {
    return traces::ExportTrace(reader, to_, sink);
  }

 private:
  std::string to_;
};

class GenerateVerb : public OutputVerb {
 public:
  void AddFlags(CLI::App& app) override {
    app.add_option("--seed", options_.seed, "the same seed gives the same trace")->type_name("N");
    app.add_option("--events", options_.events, "events in all")->type_name("N");
    app.add_option("--live", options_.live_objects, "objects alive at a time")->type_name("N");
    app.add_option("--median-size", options_.median_size, "of the log-normal sizes, in bytes")
        ->type_name("BYTES");
    app.add_option("--sigma", options_.sigma, "spread of the sizes' natural logarithm");
    app.add_option("--max-size", options_.max_size, "the largest size")->type_name("BYTES");
    AddOutput(app);
  }

 protected:
  absl::Status Write(traces::ByteSink* sink) override {
    return traces::GenerateTrace(options_, sink);
  }

 private:
  traces::GenerateOptions options_;
};

}  // namespace

std::unique_ptr<Verb> MakeSliceVerb() { return std::make_unique<SliceVerb>(); }
std::unique_ptr<Verb> MakeMergeVerb() { return std::make_unique<MergeVerb>(); }
std::unique_ptr<Verb> MakeLoopVerb() { return std::make_unique<LoopVerb>(); }
std::unique_ptr<Verb> MakeScaleVerb() { return std::make_unique<ScaleVerb>(); }
std::unique_ptr<Verb> MakeAnonymizeVerb() { return std::make_unique<AnonymizeVerb>(); }
std::unique_ptr<Verb> MakeExportVerb() { return std::make_unique<ExportVerb>(); }
std::unique_ptr<Verb> MakeGenerateVerb() { return std::make_unique<GenerateVerb>(); }

}  // namespace heapsim::sim
