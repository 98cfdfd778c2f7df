#include "traces/importers/heaptrack_raw.h"

#include <cstdint>

#include "traces/importers/heaptrack_common.h"
#include "traces/importers/text.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {

int HeaptrackRawImporter::Sniff(absl::string_view head) const {
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
  return percent >= 50 && raw > interpreted ? percent : 0;
}

absl::Status HeaptrackRawImporter::Import(ByteSource& source, ImportSink& sink) const {
  ImportSink::Process& process = sink.process();
  HeaptrackCommon common(&sink);
  LineReader lines(&source);
  uint32_t nodes = 0;
  absl::string_view line;
  for (;;) {
    absl::StatusOr<bool> more = common.Next(lines, &line);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    if (line[0] == 't' && !sink.keep_call_sites()) continue;  // most lines are of this kind
    absl::string_view rest = line.substr(std::min<size_t>(2, line.size()));
    switch (line[0]) {
      case '+': {
        uint64_t size, trace, address;
        if (!ParseHex(TakeField(&rest), &size) || !ParseHex(TakeField(&rest), &trace) ||
            !ParseHex(rest, &address) || address == 0) {
          sink.BadLine(lines.number(), "not SIZE TRACE ADDRESS");
          break;
        }
        if (sink.keep_call_sites()) {
          process.blocks.SetCallSite(trace <= nodes ? static_cast<uint32_t>(trace) : 0);
        }
        process.addresses.Malloc(address, size);
        break;
      }
      case '-': {
        uint64_t address;
        if (!ParseHex(rest, &address) || address == 0) {
          sink.BadLine(lines.number(), "not an address");
          break;
        }
        process.addresses.Free(address);
        break;
      }
      case 't': {
        uint64_t address = 0, parent = 0;
        if (!ParseHex(TakeField(&rest), &address) || !ParseHex(rest, &parent) || parent > nodes) {
          sink.BadLine(lines.number(), "not ADDRESS PARENT");
          parent = 0;
        }
        // A bad node is kept, since nodes are known by their place in the file.
        ++nodes;
        sink.AddCallSite(process, address, static_cast<uint32_t>(parent));
        break;
      }
      default:
        if (!common.Take(line, lines.number())) {
          sink.BadLine(lines.number(), "an unknown kind of record");
        }
    }
  }
}

}  // namespace heapsim::traces
