#include "traces/importers/valgrind.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

enum class Call { kNone, kMalloc, kCalloc, kMemalign, kRealloc, kFree };

struct Line {
  uint64_t pid = 0;
  Call call = Call::kNone;
  uint64_t result = 0;  // what free frees, too
  uint64_t first = 0;   // nmemb, alignment or old pointer
  uint64_t size = 0;
};

// "--PID-- "; false if the line is another.
bool TakePid(absl::string_view* text, uint64_t* pid) {
  if (!absl::ConsumePrefix(text, "--")) return false;
  const size_t dashes = text->find("-- ");
  if (dashes == absl::string_view::npos || !ParseDecimal(text->substr(0, dashes), pid)) {
    return false;
  }
  text->remove_prefix(dashes + 3);
  return true;
}

Call CallOf(absl::string_view function) {
  if (function == "malloc") return Call::kMalloc;
  if (function == "calloc") return Call::kCalloc;
  if (function == "realloc") return Call::kRealloc;
  if (function == "memalign" || function == "posix_memalign" || function == "aligned_alloc" ||
      function == "valloc") {
    return Call::kMemalign;
  }
  if (function == "free") return Call::kFree;
  if (absl::StartsWith(function, "_Zd")) return Call::kFree;
  if (absl::StartsWith(function, "_Zn")) {
    return absl::StrContains(function, "align_val_t") ? Call::kMemalign : Call::kMalloc;
  }
  return Call::kNone;
}

bool ParseNumber(absl::string_view text, uint64_t* value) {
  return ParsePointer(text, value) || ParseDecimal(text, value);
}

// "al 64, size 10" in either order, or "64,10" as the alignment and the size.
bool ParseAligned(absl::string_view arguments, Line* line) {
  bool named = false;
  uint64_t plain[2] = {};
  int count = 0;
  while (!arguments.empty()) {
    absl::string_view field = TakeField(&arguments, ',');
    while (absl::ConsumePrefix(&field, " ")) {
    }
    if (absl::ConsumePrefix(&field, "al ")) {
      named = true;
      if (!ParseDecimal(field, &line->first)) return false;
    } else if (absl::ConsumePrefix(&field, "size ")) {
      named = true;
      if (!ParseDecimal(field, &line->size)) return false;
    } else if (count == 2 || !ParseDecimal(field, &plain[count++])) {
      return false;
    }
  }
  if (named) return true;
  line->first = plain[0];
  line->size = plain[1];
  return count == 2;
}

// False for a damaged call; a line that is no call stays kNone.
bool Parse(absl::string_view text, Line* line) {
  if (!TakePid(&text, &line->pid)) return true;
  const size_t open = text.find('(');
  if (open == absl::string_view::npos) return true;
  const Call call = CallOf(text.substr(0, open));
  if (call == Call::kNone) return true;
  text.remove_prefix(open + 1);
  const size_t close = text.find(')');
  if (close == absl::string_view::npos) return false;
  absl::string_view arguments = text.substr(0, close);
  text.remove_prefix(close + 1);
  switch (call) {
    case Call::kMalloc:
      if (!ParseNumber(TakeField(&arguments, ','), &line->size)) return false;
      break;
    case Call::kCalloc:
    case Call::kRealloc:
      if (!ParseNumber(TakeField(&arguments, ','), &line->first) ||
          !ParseNumber(arguments, &line->size)) {
        return false;
      }
      break;
    case Call::kMemalign:
      if (!ParseAligned(arguments, line)) return false;
      break;
    case Call::kFree:
      line->call = call;
      return ParsePointer(TakeField(&arguments, ','), &line->result);
    case Call::kNone:
      break;
  }
  // realloc(OLD,0) calls free, and its null result stands in a line of its own.
  if (call == Call::kRealloc && absl::StartsWith(text, "free(")) {
    line->call = call;
    return true;
  }
  const size_t equals = text.rfind(" = ");
  if (equals == absl::string_view::npos) return false;
  absl::string_view result = text.substr(equals + 3);
  line->call = call;
  return ParsePointer(TakeField(&result), &line->result) || (line->result = 0, false);
}

}  // namespace

int ValgrindImporter::Sniff(absl::string_view head) const {
  int calls = 0;
  const int percent = PercentOfLines(head, [&](absl::string_view text) {
    Line line;
    const bool is_call = Parse(text, &line) && line.call != Call::kNone;
    calls += is_call;
    return is_call || absl::StartsWith(text, "==");
  });
  return calls > 0 ? percent : 0;
}

absl::Status ValgrindImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("valgrind --trace-malloc=yes");
  sink.header().set_several_processes(true);
  return ForEachLine(
      source, sink, LastLine::kMustEnd, [&](absl::string_view text, uint64_t number) {
        Line line;
        if (!Parse(text, &line)) {
          sink.BadLine(number, "a call that makes no sense");
          return;
        }
        if (line.call == Call::kNone) {
          // "==PID== Command: PROGRAM ARGUMENTS"
          const size_t command = text.find("== Command: ");
          if (command != absl::string_view::npos && sink.header().command_line().empty()) {
            absl::string_view rest = text.substr(command + 12);
            sink.header().set_command_line(std::string(rest));
            sink.header().set_program(std::string(TakeField(&rest)));
          }
          return;
        }
        IdentityResolver& calls = sink.ProcessOf(line.pid).addresses;
        switch (line.call) {
          case Call::kMalloc:
            calls.Malloc(line.result, line.size);
            break;
          case Call::kCalloc:
            calls.Calloc(line.result, SaturatedProduct(line.first, line.size));
            break;
          case Call::kMemalign:
            calls.Memalign(line.result, line.first, line.size);
            break;
          case Call::kRealloc:
            calls.Realloc(line.result, line.first, line.size);
            break;
          case Call::kFree:
            calls.Free(line.result);
            break;
          case Call::kNone:
            break;
        }
      });
}

}  // namespace heapsim::traces
