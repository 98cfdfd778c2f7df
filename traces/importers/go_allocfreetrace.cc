#include "traces/importers/go_allocfreetrace.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "traces/format/code_names.h"
#include "traces/importers/call_tree.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Header {
  enum Kind { kNone, kAlloc, kFree, kGc, kGcEnd, kBad } kind = kNone;
  uint64_t address = 0;
  uint64_t size = 0;
};

Header ParseHeader(absl::string_view text) {
  Header header;
  if (text == "tracegc()") {
    header.kind = Header::kGc;
  } else if (text == "end tracegc") {
    header.kind = Header::kGcEnd;
  } else if (absl::ConsumePrefix(&text, "tracealloc(")) {
    header.kind = Header::kAlloc;
  } else if (absl::ConsumePrefix(&text, "tracefree(")) {
    header.kind = Header::kFree;
  }
  if (header.kind != Header::kAlloc && header.kind != Header::kFree) return header;
  const bool closed = absl::ConsumeSuffix(&text, ")");
  const absl::string_view address = TakeField(&text, ',');
  absl::ConsumePrefix(&text, " ");
  if (!closed || !ParsePointer(address, &header.address) ||
      !ParsePointer(TakeField(&text, ','), &header.size)) {
    header.kind = Header::kBad;
  }
  return header;
}

class Import {
 public:
  explicit Import(ImportSink& sink)
      : sink_(sink), process_(sink.process()), tree_(&sink, &process_) {}

  void Line(absl::string_view text, uint64_t number) {
    const Header header = ParseHeader(text);
    if (header.kind != Header::kNone) Flush();
    switch (header.kind) {
      case Header::kAlloc:
        pending_ = true;
        address_ = header.address;
        size_ = header.size;
        break;
      case Header::kFree:
        process_.addresses.Free(header.address);
        break;
      case Header::kGc:
        process_.blocks.AddMarker(MarkerKind::kGc, 0);
        break;
      case Header::kBad:
        sink_.BadLine(number, "not (ADDRESS, SIZE)");
        break;
      case Header::kGcEnd:
        break;
      case Header::kNone:
        if (pending_) Stack(text);
        break;
    }
  }

  // The record before is whole.
  void Flush() {
    if (pending_) {
      if (sink_.keep_call_sites()) process_.blocks.SetCallSite(tree_.Node(stack_));
      process_.addresses.Malloc(address_, size_);
    }
    pending_ = false;
    stack_.clear();
    inlined_.clear();
    function_.clear();
  }

 private:
  void Stack(absl::string_view text) {
    uint64_t number;
    if (absl::ConsumePrefix(&text, "goroutine ") && ParseDecimal(TakeField(&text), &number)) {
      process_.blocks.SetThread(number);
    } else if (sink_.keep_call_sites()) {
      Frame(text);
    }
  }

  // A frame is two lines: "package.function(arguments)", and "<tab>file:line +0xoffset ...
  // pc=0xpc". One without a pc was inlined into the next; what comes last, "created by ...", has
  // none either.
  void Frame(absl::string_view text) {
    if (!absl::ConsumePrefix(&text, "\t")) {
      function_ = std::string(text.substr(0, text.rfind('(')));
      return;
    }
    if (function_.empty() || inlined_.size() == kMaxInlined) return;
    CodeFrame frame;
    frame.function = std::exchange(function_, "");
    // A path may have blanks.
    const size_t end = text.find(" +0x");
    absl::string_view place = text.substr(0, end);
    text.remove_prefix(place.size());
    const size_t colon = place.rfind(':');
    uint64_t line;
    if (colon != absl::string_view::npos && ParseDecimal(place.substr(colon + 1), &line)) {
      frame.line = static_cast<uint32_t>(std::min<uint64_t>(line, 0xffffffff));
      place = place.substr(0, colon);
    }
    frame.file = std::string(place);
    inlined_.push_back(std::move(frame));
    const size_t at = text.find("pc=");
    uint64_t pc;
    if (at == absl::string_view::npos || !ParsePointer(text.substr(at + 3), &pc)) return;
    if (stack_.size() < kMaxFrames) {
      stack_.push_back(pc);
      if (known_.size() < kMaxKnown && known_.insert(pc).second) {
        for (CodeFrame& f : inlined_) f.address = pc;
        process_.code.AddPlace(inlined_);
      }
    }
    inlined_.clear();
  }

  ImportSink& sink_;
  ImportSink::Process& process_;
  bool pending_ = false;
  uint64_t address_ = 0;
  uint64_t size_ = 0;

  static constexpr size_t kMaxInlined = 256;
  static constexpr size_t kMaxFrames = 1024;
  static constexpr size_t kMaxKnown = 4 << 20;
  CallTree tree_;
  // Of the record that is pending, so far: pcs from the innermost out, frames since the last of
  // them, a function whose place is still to come.
  std::vector<uint64_t> stack_;
  std::vector<CodeFrame> inlined_;
  std::string function_;
  absl::flat_hash_set<uint64_t> known_;  // pcs that were told; looked up only
};

}  // namespace

int GoAllocfreetraceImporter::Sniff(absl::string_view head) const {
  int records = 0;
  PercentOfLines(
      head,
      [&](absl::string_view text) {
        const Header header = ParseHeader(text);
        records += header.kind == Header::kAlloc || header.kind == Header::kFree;
        return true;
      },
      2000);
  return records > 0 ? 90 : 0;
}

absl::Status GoAllocfreetraceImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("GODEBUG=allocfreetrace=1");
  class Import import(sink);
  absl::Status status =
      ForEachLine(source, sink, LastLine::kMustEnd,
                  [&](absl::string_view text, uint64_t number) { import.Line(text, number); });
  import.Flush();
  return status;
}

}  // namespace heapsim::traces
