#include "traces/importers/glibc_mtrace.h"

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "traces/format/code_names.h"
#include "traces/importers/call_tree.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Line {
  char operation = 0;  // 0: a line that is no call
  uint64_t address = 0;
  uint64_t size = 0;
  absl::string_view caller;  // empty: not told
};

// Cuts the last field off.
absl::string_view TakeLast(absl::string_view* rest) {
  const size_t blank = rest->rfind(' ');
  const absl::string_view field =
      blank == absl::string_view::npos ? *rest : rest->substr(blank + 1);
  rest->remove_suffix(rest->size() - (blank == absl::string_view::npos ? 0 : blank));
  return field;
}

bool IsOperation(absl::string_view field, absl::string_view of) {
  return field.size() == 1 && of.find(field[0]) != absl::string_view::npos;
}

// "nil" is how some versions print a null pointer.
bool ParseAddress(absl::string_view field, uint64_t* value) {
  if (field == "(nil)" || field == "0") {
    *value = 0;
    return true;
  }
  return ParsePointer(field, value);
}

// What stands before the operation: "@ CALLER" or nothing.
absl::string_view Caller(absl::string_view text) {
  return absl::ConsumePrefix(&text, "@ ") ? text : "";
}

// "path:(function+0xoffset)[0xaddress]", "path:[0xaddress]" or "[0xaddress]". The address is one of
// the file where the path is known.
CodeFrame FrameOf(absl::string_view caller) {
  CodeFrame frame;
  if (absl::StartsWith(caller, "[")) {
    frame.function = std::string(caller);
    return frame;
  }
  const size_t bracket = caller.rfind('[');
  uint64_t address = 0;
  if (bracket != absl::string_view::npos && absl::ConsumeSuffix(&caller, "]") &&
      ParsePointer(caller.substr(bracket + 1), &address)) {
    caller = caller.substr(0, bracket);
  }
  if (absl::ConsumeSuffix(&caller, ")")) {
    const size_t open = caller.rfind('(');
    if (open != absl::string_view::npos) {
      const absl::string_view function = caller.substr(open + 1);
      frame.function = std::string(function.substr(0, function.rfind('+')));
      caller = caller.substr(0, open);
    }
  }
  absl::ConsumeSuffix(&caller, ":");
  frame.module = std::string(caller);
  frame.module_offset = address;
  return frame;
}

bool Parse(absl::string_view text, Line* line) {
  if (text == "= Start" || text == "= End") return true;
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  absl::string_view rest = text;
  const absl::string_view last = TakeLast(&rest);
  const absl::string_view middle = TakeLast(&rest);
  if (IsOperation(middle, "-<")) {
    line->operation = middle[0];
    line->caller = Caller(rest);
    return ParseAddress(last, &line->address);
  }
  const absl::string_view operation = TakeLast(&rest);
  if (!IsOperation(operation, "+>!")) return false;
  line->operation = operation[0];
  line->caller = Caller(rest);
  return ParseAddress(middle, &line->address) &&
         (ParsePointer(last, &line->size) || (last == "0" && (line->size = 0, true)));
}

}  // namespace

int GlibcMtraceImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    Line line;
    return Parse(text, &line);
  });
  return percent >= 50 ? percent : 0;
}

absl::Status GlibcMtraceImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("glibc mtrace");
  ImportSink::Process& process = sink.process();
  IdentityResolver& calls = process.addresses;
  CallTree tree(&sink, &process);
  const auto set_call_site = [&](absl::string_view caller) {
    if (!sink.keep_call_sites()) return;
    if (caller.empty()) return process.blocks.SetCallSite(0);
    const uint64_t address = tree.Place(caller, FrameOf(caller));
    process.blocks.SetCallSite(address == 0 ? 0 : tree.Node({&address, 1}));
  };
  bool realloc_open = false;
  uint64_t old = 0;
  return ForEachLine(source, sink, LastLine::kMustEnd,
                     [&](absl::string_view text, uint64_t number) {
                       Line line;
                       if (!Parse(text, &line)) {
                         sink.BadLine(number, "not a line of mtrace");
                         return;
                       }
                       if (realloc_open && line.operation != '>') {
                         sink.BadLine(number, "the second half of a realloc is missing");
                         realloc_open = false;
                       }
                       switch (line.operation) {
                         case '+':
                           set_call_site(line.caller);
                           calls.Malloc(line.address, line.size);
                           break;
                         case '-':
                           calls.Free(line.address);
                           break;
                         case '<':
                           old = line.address;
                           realloc_open = true;
                           break;
                         case '>':
                           if (!realloc_open) {
                             sink.BadLine(number, "the first half of a realloc is missing");
                             break;
                           }
                           realloc_open = false;
                           set_call_site(line.caller);
                           calls.Realloc(line.address, old, line.size);
                           break;
                         case '!':
                           calls.Realloc(0, line.address, line.size);
                           break;
                         default:
                           break;
                       }
                     });
}

}  // namespace heapsim::traces
