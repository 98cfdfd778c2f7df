// Imports a text in a test.
#ifndef HEAPSIM_TRACES_IMPORTERS_IMPORT_TEST_UTIL_H_
#define HEAPSIM_TRACES_IMPORTERS_IMPORT_TEST_UTIL_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "traces/event_block.h"
#include "traces/open_trace.h"

namespace heapsim::traces {

struct Imported {
  absl::Status status;
  TraceFacts facts;
  std::vector<EventBlock> blocks;
  std::vector<std::string> warnings;
  std::vector<CallSite> call_sites;
  // Of each of them, what is known of its own address: "inner a.c:12 < outer a.c:30".
  std::vector<std::string> names;
  proto::TraceHeader header;
};

inline Imported ImportText(absl::string_view text, std::optional<uint64_t> pid = {},
                           bool keep_call_sites = false) {
  Imported imported;
  OpenOptions options;
  options.pid = pid;
  options.keep_call_sites = keep_call_sites;
  absl::StatusOr<OpenedTrace> opened = OpenTraceSource(MemorySource(text), "sample", options);
  imported.status = opened.status();
  if (!opened.ok()) return imported;
  imported.warnings = opened->warnings;
  imported.facts = *opened->reader->facts();
  imported.header = opened->reader->header();
  if (keep_call_sites) opened->reader->KeepCallSites();
  EventBlock block;
  for (;;) {
    absl::StatusOr<bool> more = opened->reader->Next(&block);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    imported.blocks.push_back(block);
  }
  imported.call_sites = opened->reader->call_sites();
  for (uint32_t i = 0; i < imported.call_sites.size(); ++i) {
    std::string& name = imported.names.emplace_back();
    const CodeNames& names = opened->reader->code_names();
    for (const CodeFrame& frame : names.FramesOf(i + 1, imported.call_sites[i].address)) {
      if (!name.empty()) name += " < ";
      name += frame.Name();
      if (!frame.file.empty()) name += " " + frame.file + ":" + std::to_string(frame.line);
    }
  }
  return imported;
}

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_IMPORT_TEST_UTIL_H_
