// Where an importer puts what it reads: events by process, call sites, and what it has to say.
#ifndef HEAPSIM_TRACES_IMPORTERS_IMPORT_SINK_H_
#define HEAPSIM_TRACES_IMPORTERS_IMPORT_SINK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/trace.pb.h"
#include "traces/block_builder.h"
#include "traces/format/code_map_builder.h"
#include "traces/format/trace_writer.h"
#include "traces/identity_resolver.h"

namespace heapsim::traces {

class ImportSink {
 public:
  // One recorded process. Where an importer has object identities of its own it calls `blocks`,
  // where it has addresses `addresses`.
  struct Process {
    Process(uint64_t pid, BlockBuilder::Emit emit)
        : pid(pid), blocks(std::move(emit)), addresses(&blocks) {}
    const uint64_t pid;
    BlockBuilder blocks;
    IdentityResolver addresses;
    // What is known of the addresses of call sites. A place is told before its first node, modules
    // are forgotten by ForgetModules below.
    CodeMapBuilder code;

   private:
    friend class ImportSink;
    // Nodes that are not written yet.
    std::vector<uint64_t> site_addresses;
    std::vector<uint32_t> site_parents;
  };

  // `format` is the importer's name. The writer outlives the sink.
  ImportSink(std::string format, bool keep_call_sites, TraceWriter* writer);

  // Whether call sites are wanted; if not, an importer does not hand them over.
  bool keep_call_sites() const { return keep_call_sites_; }

  // The process of a format that knows no process ids.
  Process& process() { return ProcessOf(0); }
  // The process `pid`, made at its first use. Past kMaxProcesses all further ones share the last.
  Process& ProcessOf(uint64_t pid);
  static constexpr uint32_t kMaxProcesses = 4096;

  // Provenance; what is set after the first 65,536 events may not get into the file.
  proto::TraceHeader& header() { return header_; }

  // A node of a process's call-site tree; numbers count from 1. `parent` is 0 or an earlier node.
  void AddCallSite(Process& process, uint64_t address, uint32_t parent);
  // The nodes that follow were made with other modules mapped.
  void ForgetModules(Process& process);

  // A line or record that makes no sense, by its number; it is left out.
  void BadLine(uint64_t number, absl::string_view what);
  // Part of the recording is missing.
  void Incomplete(absl::string_view why);
  // Anything else the user should know.
  void Warn(absl::string_view what);

  // The first error of writing: an importer stops when it is not OK.
  const absl::Status& status() const { return status_; }

  // After the import: writes what is left, and the footer.
  absl::Status Finish();

  uint64_t events() const;
  bool complete() const { return complete_; }
  // What the import had to say, one sentence each.
  std::vector<std::string> Warnings() const;

 private:
  absl::Status WriteHeader();
  absl::Status WriteCallSites(uint32_t index);
  void WriteEarly(const Process& process);

  const std::string format_;
  const bool keep_call_sites_;
  TraceWriter* const writer_;
  proto::TraceHeader header_;
  bool header_written_ = false;
  std::vector<std::unique_ptr<Process>> processes_;
  absl::flat_hash_map<uint64_t, uint32_t> index_of_;  // pid -> index
  Process* last_ = nullptr;                           // what ProcessOf gave out last
  absl::Status status_;
  bool complete_ = true;
  uint64_t bad_lines_ = 0;
  std::string first_bad_line_;
  std::vector<std::string> warnings_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_IMPORT_SINK_H_
