#include "traces/importers/tcmalloc_debug.h"

#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "traces/importers/call_tree.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Row {
  absl::string_view call;
  uint64_t size = 0;
  uint64_t address = 0;
  uint64_t thread = 0;
  absl::string_view stack;
};

bool Parse(absl::string_view text, Row* row) {
  row->call = TakeField(&text, '\t');
  if (row->call != "malloc" && row->call != "free" && row->call != "realloc") return false;
  if (!ParseDecimal(TakeField(&text, '\t'), &row->size)) return false;
  const absl::string_view address = TakeField(&text, '\t');
  if (address == "(nil)") {
    row->address = 0;
  } else if (!ParsePointer(address, &row->address)) {
    return false;
  }
  if (!ParseDecimal(TakeField(&text, '\t'), &row->thread)) return false;
  row->stack = text;
  return true;
}

// The innermost address first; what follows one that makes no sense is left out.
std::vector<uint64_t> StackOf(absl::string_view text) {
  constexpr size_t kMaxFrames = 1024;
  std::vector<uint64_t> stack;
  uint64_t address;
  while (stack.size() < kMaxFrames && !text.empty() &&
         ParsePointer(TakeField(&text, '\t'), &address)) {
    stack.push_back(address);
  }
  return stack;
}

bool IsTitle(absl::string_view text) {
  return absl::StartsWith(text, "Trace started: ") || absl::StartsWith(text, "func\tsize\tptr");
}

}  // namespace

int TcmallocDebugImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    Row row;
    return Parse(text, &row) || IsTitle(text);
  });
  return percent >= 20 ? percent : 0;
}

absl::Status TcmallocDebugImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("gperftools debug tcmalloc");
  ImportSink::Process& process = sink.process();
  CallTree tree(&sink, &process);
  return ForEachLine(source, sink, LastLine::kMustEnd,
                     [&](absl::string_view text, uint64_t number) {
                       Row row;
                       if (!Parse(text, &row)) {
                         if (!IsTitle(text)) sink.BadLine(number, "not CALL SIZE POINTER THREAD");
                         return;
                       }
                       process.blocks.SetThread(row.thread);
                       if (sink.keep_call_sites() && row.call != "free") {
                         process.blocks.SetCallSite(tree.Node(StackOf(row.stack)));
                       }
                       if (row.call == "free") {
                         process.addresses.Free(row.address);
                       } else if (row.call == "malloc") {
                         process.addresses.Malloc(row.address, row.size);
                       } else {
                         process.addresses.Realloc(row.address, 0, row.size);
                       }
                     });
}

}  // namespace heapsim::traces
