#include "traces/importers/ltrace.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "traces/format/code_names.h"
#include "traces/importers/call_tree.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1000000000;

// What stands in front of a call, and the rest of the line.
struct Prefix {
  bool has_thread = false;
  uint64_t thread = 0;
  bool has_time = false;
  uint64_t time = 0;  // in nanoseconds
  absl::string_view rest;
};

// "SECONDS.MICRO", "HH:MM:SS" or "HH:MM:SS.MICRO".
bool ParseTime(absl::string_view text, uint64_t* ns) {
  absl::string_view fraction = text;
  absl::string_view whole = TakeField(&fraction, '.');
  const bool clock = absl::StrContains(whole, ':');
  if (!clock && fraction.empty()) return false;
  uint64_t seconds = 0;
  while (!whole.empty()) {
    uint64_t part;
    if (!ParseDecimal(TakeField(&whole, ':'), &part)) return false;
    seconds = seconds * 60 + part;
  }
  uint64_t micro = 0;
  if (!fraction.empty() && (fraction.size() > 9 || !ParseDecimal(fraction, &micro))) return false;
  for (size_t digits = fraction.size(); digits < 9; ++digits) micro *= 10;
  *ns = SaturatedProduct(seconds, kNanosecondsPerSecond) + micro;
  return true;
}

Prefix ParsePrefix(absl::string_view text) {
  Prefix prefix;
  absl::string_view rest = text;
  while (absl::ConsumePrefix(&rest, " ")) {
  }
  absl::string_view after = rest;
  absl::string_view field = TakeField(&after);
  // "[pid 123]" is how it looks on a terminal.
  if (field == "[pid") {
    field = TakeField(&after);
    absl::ConsumeSuffix(&field, "]");
  }
  if (ParseDecimal(field, &prefix.thread)) {
    prefix.has_thread = true;
    rest = after;
    field = TakeField(&after);
  }
  if (ParseTime(field, &prefix.time)) {
    prefix.has_time = true;
    rest = after;
  }
  while (absl::ConsumePrefix(&rest, " ")) {
  }
  prefix.rest = rest;
  return prefix;
}

enum class Function { kNone, kMalloc, kCalloc, kRealloc, kMemalign, kFree, kPosixMemalign };

Function FunctionOf(absl::string_view name) {
  const size_t arrow = name.rfind("->");
  if (arrow != absl::string_view::npos) name.remove_prefix(arrow + 2);
  name = name.substr(0, name.find('@'));
  if (name == "malloc" || absl::StartsWith(name, "_Znwm") || absl::StartsWith(name, "_Znam")) {
    return Function::kMalloc;
  }
  if (name == "calloc") return Function::kCalloc;
  if (name == "realloc") return Function::kRealloc;
  if (name == "memalign" || name == "aligned_alloc") return Function::kMemalign;
  if (name == "posix_memalign") return Function::kPosixMemalign;
  if (name == "free" || absl::StartsWith(name, "_ZdlPv") || absl::StartsWith(name, "_ZdaPv")) {
    return Function::kFree;
  }
  return Function::kNone;
}

// The file that a call came from: "CALLER->FUNCTION", or empty.
absl::string_view CallerOf(absl::string_view name) {
  const size_t arrow = name.rfind("->");
  return arrow == absl::string_view::npos ? "" : name.substr(0, arrow);
}

bool ParseBlock(absl::string_view text, uint64_t* block) {
  if (text == "0" || text == "nil" || text == "(nil)") {
    *block = 0;
    return true;
  }
  return ParsePointer(text, block);
}

class Import {
 public:
  Import(ByteSource& source, ImportSink& sink)
      : source_(source), sink_(sink), process_(sink.process()), tree_(&sink, &process_) {}

  absl::Status Run() {
    absl::Status status =
        ForEachLine(source_, sink_, LastLine::kMustEnd,
                    [&](absl::string_view line, uint64_t number) { Line(line, number); });
    if (!status.ok()) return status;
    if (hidden_ > 0) {
      sink_.Warn(absl::StrCat(hidden_,
                              " calls of posix_memalign were left out: ltrace does not "
                              "print the block, so that its free looks unknown"));
    }
    if (interleaved_) {
      sink_.Warn(
          "ltrace loses calls of programs with threads: live bytes and unknown frees are not to be "
          "trusted");
    }
    if (!open_.empty() || lost_ > 0) {
      sink_.Incomplete(absl::StrCat(open_.size() + lost_, " calls lack their start or their end"));
    }
    return absl::OkStatus();
  }

 private:
  using Key = std::pair<uint64_t, Function>;
  // A call that is not over: its arguments so far, and who calls.
  struct OpenCall {
    std::string arguments;
    std::string caller;
  };

  void Line(absl::string_view line, uint64_t number) {
    const Prefix prefix = ParsePrefix(line);
    absl::string_view rest = prefix.rest;
    if (absl::StartsWith(rest, "+++") || absl::StartsWith(rest, "---")) return;
    if (absl::ConsumePrefix(&rest, "<... ")) {
      Resumed(prefix, rest, number);
      return;
    }
    const size_t open = rest.find('(');
    if (open == absl::string_view::npos) {
      sink_.BadLine(number, "not a call");
      return;
    }
    const Function function = FunctionOf(rest.substr(0, open));
    if (function == Function::kNone) return;
    const absl::string_view caller = CallerOf(rest.substr(0, open));
    rest.remove_prefix(open + 1);
    const size_t unfinished = rest.find(" <unfinished");
    if (unfinished != absl::string_view::npos) {
      interleaved_ = true;
      const absl::string_view arguments = rest.substr(0, unfinished);
      const Key key(prefix.thread, function);
      lost_ += open_.contains(key);
      open_[key] = {std::string(arguments), std::string(caller)};
      return;
    }
    const size_t close = rest.find(')');
    if (close == absl::string_view::npos) {
      sink_.BadLine(number, "a call that is cut off");
      return;
    }
    if (function == Function::kFree) {
      Free(prefix, rest.substr(0, close), number);
    } else {
      SetCallSite(caller);
      Done(prefix, function, rest.substr(0, close), rest.substr(close + 1), number);
    }
  }

  void Resumed(const Prefix& prefix, absl::string_view rest, uint64_t number) {
    interleaved_ = true;
    const absl::string_view name = TakeField(&rest);
    const Function function = FunctionOf(name);
    if (function == Function::kNone) return;
    const auto it = open_.find(Key(prefix.thread, function));
    if (it == open_.end()) {
      ++lost_;
      return;
    }
    absl::ConsumePrefix(&rest, "resumed> ");
    const size_t close = rest.find(')');
    const std::string arguments = absl::StrCat(it->second.arguments, rest.substr(0, close));
    const std::string caller = it->second.caller;
    open_.erase(it);
    if (close == absl::string_view::npos) {
      sink_.BadLine(number, "a call that is cut off");
    } else if (function == Function::kFree) {
      Free(prefix, arguments, number);
    } else {
      SetCallSite(caller);
      Done(prefix, function, arguments, rest.substr(close + 1), number);
    }
  }

  void SetCallSite(absl::string_view caller) {
    if (!sink_.keep_call_sites()) return;
    if (caller.empty()) return process_.blocks.SetCallSite(0);
    CodeFrame frame;
    frame.module = std::string(caller);
    const uint64_t address = tree_.Place(caller, std::move(frame));
    process_.blocks.SetCallSite(address == 0 ? 0 : tree_.Node({&address, 1}));
  }

  void Context(const Prefix& prefix) {
    if (prefix.has_thread) process_.blocks.SetThread(prefix.thread);
    if (prefix.has_time) process_.blocks.SetTime(prefix.time);
  }

  void Free(const Prefix& prefix, absl::string_view argument, uint64_t number) {
    uint64_t block;
    if (!ParseBlock(argument.substr(0, argument.find(',')), &block)) {
      sink_.BadLine(number, "a free of no pointer");
      return;
    }
    Context(prefix);
    process_.addresses.Free(block);
  }

  // A call with its result: " = RESULT", with blanks in front.
  void Done(const Prefix& prefix, Function function, absl::string_view arguments,
            absl::string_view result_text, uint64_t number) {
    if (function == Function::kPosixMemalign) {
      ++hidden_;
      return;
    }
    const size_t equals = result_text.find("= ");
    uint64_t result, first = 0, size = 0;
    absl::string_view rest = arguments;
    const absl::string_view head = TakeField(&rest, ',');
    absl::ConsumePrefix(&rest, " ");
    rest = rest.substr(0, rest.find(','));
    const bool one = function == Function::kMalloc;
    if (equals == absl::string_view::npos || !ParseBlock(result_text.substr(equals + 2), &result) ||
        !(function == Function::kRealloc ? ParseBlock(head, &first) : ParseDecimal(head, &first)) ||
        (!one && !ParseDecimal(rest, &size))) {
      sink_.BadLine(number, "a call that makes no sense");
      return;
    }
    Context(prefix);
    switch (function) {
      case Function::kMalloc:
        process_.addresses.Malloc(result, first);
        break;
      case Function::kCalloc:
        process_.addresses.Calloc(result, SaturatedProduct(first, size));
        break;
      case Function::kMemalign:
        process_.addresses.Memalign(result, first, size);
        break;
      default:
        process_.addresses.Realloc(result, first, size);
    }
  }

  ByteSource& source_;
  ImportSink& sink_;
  ImportSink::Process& process_;
  CallTree tree_;
  absl::flat_hash_map<Key, OpenCall> open_;
  bool interleaved_ = false;
  uint64_t hidden_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace

int LtraceImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    absl::string_view rest = ParsePrefix(text).rest;
    if (absl::ConsumePrefix(&rest, "<... ")) {
      return FunctionOf(TakeField(&rest)) != Function::kNone && absl::StartsWith(rest, "resumed>");
    }
    const size_t open = rest.find('(');
    return open != absl::string_view::npos &&
           (absl::StrContains(rest.substr(0, open), "->") ||
            absl::StrContains(rest.substr(0, open), "@")) &&
           FunctionOf(rest.substr(0, open)) != Function::kNone;
  });
  return percent >= 20 ? percent : 0;
}

absl::Status LtraceImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("ltrace");
  return traces::Import(source, sink).Run();
}

}  // namespace heapsim::traces
