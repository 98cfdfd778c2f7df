// What reading a `.htrace` costs: checksum, zstd, columns and ids; and how many bytes an event
// takes.
//
// The traces are synthetic (traces/generate.h), with 10 thousand, 1 million and 20 million live
// objects. The argument is the number of live objects.
#include <cstdint>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "traces/format/stream_vbyte.h"
#include "traces/format/trace_reader.h"
#include "traces/format/trace_writer.h"
#include "traces/generate.h"

namespace heapsim::traces {
namespace {

constexpr uint64_t kMinEvents = 8000000;

struct Trace {
  std::string bytes;
  uint64_t events = 0;
};

// Made once for a number of live objects.
const Trace& TraceOf(uint64_t live_objects) {
  static Trace trace;
  static uint64_t made_for = 0;
  if (made_for == live_objects) return trace;
  made_for = live_objects;
  StringSink sink;
  TraceWriter writer(&sink);
  (void)writer.Header({});
  BlockBuilder blocks([&](const EventBlock& block) { return writer.Block(0, block); });
  GenerateOptions options;
  options.events = std::max(kMinEvents, 4 * live_objects);
  options.live_objects = live_objects;
  (void)Generate(options, &blocks);
  const TraceFacts facts = blocks.Facts();
  (void)writer.Finish({{.facts = facts, .object_ids = blocks.object_ids()}});
  trace.bytes = sink.bytes();
  trace.events = facts.events;
  return trace;
}

void BM_ReadTrace(benchmark::State& state) {
  const Trace& trace = TraceOf(state.range(0));
  EventBlock block;
  for (auto _ : state) {
    auto reader = TraceReader::Open(MemorySource(trace.bytes), "trace");
    uint64_t events = 0;
    while (*(*reader)->Next(&block)) events += block.count;
    if (events != trace.events) state.SkipWithError("events are missing");
  }
  const auto events = static_cast<double>(trace.events);
  state.counters["event"] = benchmark::Counter(
      events, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_event"] = static_cast<double>(trace.bytes.size()) / events;
}
BENCHMARK(BM_ReadTrace)->Arg(10000)->Arg(1000000)->Arg(20000000)->Unit(benchmark::kMillisecond);

void BM_StreamVbyte(benchmark::State& state,
                    bool (*decode)(absl::string_view, absl::Span<uint32_t>)) {
  std::vector<uint32_t> values(kMaxBlockEvents);
  for (uint32_t i = 0; i < values.size(); ++i) values[i] = (i * 2654435761u) >> (i % 32);
  std::string code;
  StreamVbyteEncode(values, &code);
  for (auto _ : state) {
    if (!decode(code, absl::MakeSpan(values))) state.SkipWithError("not decoded");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(values.size()));
}
BENCHMARK_CAPTURE(BM_StreamVbyte, portable, &StreamVbyteDecodePortable);
BENCHMARK_CAPTURE(BM_StreamVbyte, dispatched, &StreamVbyteDecode);

}  // namespace
}  // namespace heapsim::traces
