#include "traces/importers/heaptrack_interpreted.h"

#include <cstdint>
#include <vector>

#include "traces/importers/heaptrack_common.h"
#include "traces/importers/text.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {
namespace {

struct AllocationClass {
  uint64_t size = 0;
  std::vector<uint32_t> live;  // object ids, the newest last
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
        if (!ParseHex(TakeField(&rest), &added.size)) {
          sink.BadLine(lines.number(), "not SIZE TRACE");
        }
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
      case 'i':
      case 't':
        break;
      default:
        if (!common.Take(line, lines.number())) {
          sink.BadLine(lines.number(), "an unknown kind of record");
        }
    }
  }
}

}  // namespace heapsim::traces
