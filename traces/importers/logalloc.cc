#include "traces/importers/logalloc.h"

#include <cstdint>

#include "absl/strings/strip.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

constexpr uint64_t kPageBytes = 4096;  // what valloc aligns to

struct Line {
  uint64_t pid = 0;
  uint64_t thread = 0;
  bool has_thread = false;
  absl::string_view function;
  absl::string_view arguments;
  absl::string_view result;
};

bool Parse(absl::string_view text, Line* line) {
  if (!ParseDecimal(TakeField(&text), &line->pid)) return false;
  const size_t blank = text.find(' ');
  line->has_thread = blank != absl::string_view::npos && blank < text.find('(');
  if (line->has_thread && !ParseDecimal(TakeField(&text), &line->thread)) return false;
  const size_t open = text.find('(');
  const size_t close = text.find(')');
  if (open == absl::string_view::npos || open == 0 || close == absl::string_view::npos ||
      close < open) {
    return false;
  }
  line->function = text.substr(0, open);
  line->arguments = text.substr(open + 1, close - open - 1);
  line->result = text.substr(close + 1);
  return line->result.empty() || absl::ConsumePrefix(&line->result, "=");
}

bool ParseBlock(absl::string_view text, uint64_t* block) {
  if (absl::ConsumePrefix(&text, "#")) return ParseDecimal(text, block);
  if (text == "0" || text == "(nil)") {
    *block = 0;
    return true;
  }
  return ParsePointer(text, block);
}

// False if the line is damaged.
bool Apply(const Line& line, IdentityResolver& calls) {
  absl::string_view arguments = line.arguments;
  uint64_t first = 0, second = 0, result = 0;
  const absl::string_view function = line.function;
  if (function == "free") return ParseBlock(arguments, &first) && (calls.Free(first), true);
  if (!ParseBlock(line.result, &result)) return false;
  if (function == "malloc") {
    return ParseDecimal(arguments, &first) && (calls.Malloc(result, first), true);
  }
  if (function == "valloc") {
    return ParseDecimal(arguments, &first) && (calls.Memalign(result, kPageBytes, first), true);
  }
  const absl::string_view head = TakeField(&arguments, ',');
  if (!ParseDecimal(arguments, &second)) return false;
  if (function == "realloc") {
    return ParseBlock(head, &first) && (calls.Realloc(result, first, second), true);
  }
  if (!ParseDecimal(head, &first)) return false;
  if (function == "calloc") {
    calls.Calloc(result, SaturatedProduct(first, second));
  } else {
    calls.Memalign(result, first, second);
  }
  return true;
}

bool IsCall(absl::string_view function) {
  for (const absl::string_view name : {"malloc", "calloc", "realloc", "free", "posix_memalign",
                                       "memalign", "aligned_alloc", "valloc"}) {
    if (function == name) return true;
  }
  return false;
}

}  // namespace

int LogallocImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    Line line;
    return Parse(text, &line) && (IsCall(line.function) || line.function == "jemalloc_stats");
  });
  return percent >= 20 ? percent : 0;
}

absl::Status LogallocImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("Firefox logalloc");
  sink.header().set_several_processes(true);
  return ForEachLine(source, sink, LastLine::kMustEnd,
                     [&](absl::string_view text, uint64_t number) {
                       Line line;
                       if (!Parse(text, &line)) {
                         sink.BadLine(number, "not PID TID FUNCTION(ARGUMENTS)=RESULT");
                         return;
                       }
                       if (!IsCall(line.function)) return;
                       ImportSink::Process& process = sink.ProcessOf(line.pid);
                       if (line.has_thread) process.blocks.SetThread(line.thread);
                       if (!Apply(line, process.addresses)) {
                         sink.BadLine(number, "arguments that make no sense");
                       }
                     });
}

}  // namespace heapsim::traces
