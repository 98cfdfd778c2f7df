#include "traces/importers/heaptrack_interpreted.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "traces/format/code_names.h"
#include "traces/importers/heaptrack_common.h"
#include "traces/importers/text.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {
namespace {

struct AllocationClass {
  uint64_t size = 0;
  uint32_t site = 0;
  std::vector<uint32_t> live;  // object ids, the newest last
};

// The call tree of an interpreted file: strings, addresses made of them, nodes made of addresses,
// each known by its place among its kind, from 1.
class InterpretedSites {
 public:
  explicit InterpretedSites(ImportSink* sink) : sink_(*sink), process_(sink->process()) {}

  uint32_t nodes() const { return nodes_; }

  void AddString(const HeaptrackCommon& common, absl::string_view line) {
    absl::string_view text;
    if (!common.TakeString(&line, HeaptrackCommon::Place::kLast, &text)) Bad();
    text = text.substr(0, kMaxNameBytes);
    // A string that is left out keeps its place.
    if (string_bytes_ + text.size() > kMaxStringBytes) text = "";
    string_bytes_ += text.size();
    strings_.emplace_back(text);
  }
  // ADDRESS MODULE [FUNCTION FILE LINE]..., the innermost function first.
  void AddAddress(absl::string_view text) {
    CodeFrame outer;
    uint64_t module = 0;
    if (!ParseHex(TakeField(&text), &outer.address) || !ParseHex(TakeField(&text), &module)) {
      Bad();
    }
    outer.module = StringAt(module);
    std::vector<CodeFrame> frames;
    while (!text.empty() && frames.size() < kMaxInlined) {
      // Older versions leave out a file that they do not know.
      uint64_t function = 0, file = 0, source_line = 0;
      if (!ParseHex(TakeField(&text), &function) ||
          (!text.empty() &&
           (!ParseHex(TakeField(&text), &file) || !ParseHex(TakeField(&text), &source_line)))) {
        Bad();
        break;
      }
      CodeFrame& frame = frames.emplace_back(outer);
      frame.function = StringAt(function);
      frame.file = StringAt(file);
      frame.line = static_cast<uint32_t>(std::min<uint64_t>(source_line, 0xffffffff));
    }
    addresses_.push_back(outer.address);
    if (frames.empty()) {
      // Where in the file is not told: the address tells such places apart.
      frames.push_back(outer);
      if (!outer.module.empty()) {
        const size_t slash = outer.module.rfind('/');
        frames[0].function =
            absl::StrCat(outer.module.substr(slash == std::string::npos ? 0 : slash + 1), " 0x",
                         absl::Hex(outer.address));
      }
    }
    process_.code.AddPlace(frames);
  }
  // ADDRESS PARENT, each by its number. A bad node is kept, since nodes are known by their place.
  void AddNode(absl::string_view text) {
    uint64_t address = 0, parent = 0;
    if (!ParseHex(TakeField(&text), &address) || !ParseHex(text, &parent) || parent > nodes_ ||
        address == 0 || address > addresses_.size()) {
      Bad();
      address = parent = 0;
    }
    ++nodes_;
    sink_.AddCallSite(process_, address == 0 ? 0 : addresses_[address - 1],
                      static_cast<uint32_t>(parent));
  }

 private:
  // Whether the events are whole does not depend on it.
  void Bad() { sink_.Warn("lines about call sites make no sense and were left out"); }

  static constexpr size_t kMaxStringBytes = 64 << 20;
  static constexpr size_t kMaxInlined = 256;

  std::string StringAt(uint64_t number) const {
    return number == 0 || number > strings_.size() ? "" : strings_[number - 1];
  }

  ImportSink& sink_;
  ImportSink::Process& process_;
  std::vector<std::string> strings_;
  size_t string_bytes_ = 0;
  std::vector<uint64_t> addresses_;
  uint32_t nodes_ = 0;
};

}  // namespace

int HeaptrackInterpretedImporter::Sniff(absl::string_view head) const {
  int raw = 0, interpreted = 0;
  const int percent = PercentOfLines(
      head,
      [&](absl::string_view line) {
        const HeaptrackLine kind = ClassifyHeaptrackLine(line);
        raw += kind == HeaptrackLine::kRaw;
        interpreted += kind == HeaptrackLine::kInterpreted;
        return kind != HeaptrackLine::kNone;
      },
      2000);
  return percent >= 50 && interpreted > raw ? percent : 0;
}

absl::Status HeaptrackInterpretedImporter::Import(ByteSource& source, ImportSink& sink) const {
  BlockBuilder& blocks = sink.process().blocks;
  HeaptrackCommon common(&sink);
  sink.Warn(
      "an interpreted heaptrack file does not say which block a free releases: the newest of its "
      "size and call site is taken; record with heaptrack --record-only for exact lifetimes");
  LineReader lines(&source);
  InterpretedSites sites(&sink);
  std::vector<AllocationClass> classes;
  absl::string_view line;
  for (;;) {
    absl::StatusOr<bool> more = common.Next(lines, &line);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    absl::string_view rest = line.substr(std::min<size_t>(2, line.size()));
    switch (line[0]) {
      case 'a': {
        AllocationClass& added = classes.emplace_back();
        uint64_t trace = 0;
        if (!ParseHex(TakeField(&rest), &added.size) || !ParseHex(rest, &trace)) {
          sink.BadLine(lines.number(), "not SIZE TRACE");
        }
        if (trace <= sites.nodes()) added.site = static_cast<uint32_t>(trace);
        break;
      }
      case '+':
      case '-': {
        uint64_t index;
        if (!ParseHex(rest, &index) || index >= classes.size()) {
          sink.BadLine(lines.number(), "not the number of an allocation class");
          break;
        }
        AllocationClass& chosen = classes[index];
        if (line[0] == '+') {
          if (sink.keep_call_sites()) blocks.SetCallSite(chosen.site);
          chosen.live.push_back(blocks.Alloc(EventKind::kMalloc, chosen.size));
        } else if (chosen.live.empty()) {
          blocks.FreeNothing(EventKind::kFreeUnknown);
        } else {
          blocks.Free(chosen.live.back());
          chosen.live.pop_back();
        }
        break;
      }
      case 's':
        if (sink.keep_call_sites()) sites.AddString(common, rest);
        break;
      case 'i':
        if (sink.keep_call_sites()) sites.AddAddress(rest);
        break;
      case 't':
        if (sink.keep_call_sites()) sites.AddNode(rest);
        break;
      default:
        if (!common.Take(line, lines.number())) {
          sink.BadLine(lines.number(), "an unknown kind of record");
        }
    }
  }
}

}  // namespace heapsim::traces
