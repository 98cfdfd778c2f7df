#include "sim/tool/trace_input.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "traces/io/byte_source.h"

namespace heapsim::sim {

void Warn(absl::string_view message) {
  std::fflush(stdout);
  std::fprintf(stderr, "heapsim: warning: %s\n", std::string(message).c_str());
}

void TraceInput::AddFlags(CLI::App& app, const std::string& argument) {
  app.add_option(argument, path_,
                 "a .htrace or a recording of a known format, packed or not; - for stdin")
      ->required();
  app.add_option("--pid", pid_, "the recorded process to take (default: the one of most events)")
      ->type_name("N");
  app.add_option("--from", from_, "the recording's format (default: recognised by content)")
      ->type_name("FORMAT");
}

absl::StatusOr<std::unique_ptr<traces::TraceReader>> TraceInput::Open(traces::OpenOptions options,
                                                                      bool warn, int fd) const {
  options.pid = pid_;
  options.from = from_;
  const std::string name = path_ == "-" ? "standard input" : path_;
  absl::StatusOr<std::unique_ptr<traces::ByteSource>> source =
      traces::OpenFile(fd < 0 ? path_ : absl::StrCat("/proc/self/fd/", fd));
  if (!source.ok()) return source.status();
  absl::StatusOr<traces::OpenedTrace> opened =
      traces::OpenTraceSource(*std::move(source), name, options);
  if (!opened.ok()) return opened.status();
  if (warn) {
    for (const std::string& warning : opened->warnings) Warn(absl::StrCat(name, ": ", warning));
  }
  return std::move(opened->reader);
}

}  // namespace heapsim::sim
