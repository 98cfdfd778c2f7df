#include "tests/bench/children.h"

#include <sched.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "sim/policies/registry.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/detail_run.h"
#include "sim/replay/read_ahead.h"
#include "sim/replay/replay.h"
#include "tests/bench/clocks.h"
#include "tests/bench/event_message.pb.h"
#include "tests/bench/op_file.h"
#include "tests/bench/synthetic_trace.h"
#include "traces/facts.h"
#include "traces/format/chunk_codec.h"
#include "traces/format/trace_reader.h"
#include "traces/format/trace_writer.h"
#include "traces/io/byte_sink.h"
#include "traces/io/byte_source.h"
#include "traces/open_trace.h"

namespace heapsim::bench {
namespace {

using traces::EventBlock;
using traces::EventKind;

void Print(const char* name, double value) { std::printf("%s %.9g\n", name, value); }

absl::StatusOr<std::unique_ptr<traces::TraceReader>> Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<traces::ByteSource>> source = traces::OpenFile(path);
  if (!source.ok()) return source.status();
  return traces::TraceReader::Open(*std::move(source), path);
}

absl::StatusOr<std::vector<EventBlock>> ReadBlocks(const std::string& path) {
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = Open(path);
  if (!reader.ok()) return reader.status();
  std::vector<EventBlock> blocks;
  EventBlock block;
  for (;;) {
    const absl::StatusOr<bool> more = (*reader)->Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) return blocks;
    blocks.push_back(block);
  }
}

// The trace's events in order: alloc(id, size) and free(id).
template <typename Alloc, typename Free>
void ForEachEvent(const EventBlock& block, Alloc alloc, Free free) {
  uint32_t a = 0, f = 0;
  for (uint32_t i = 0; i < block.count; ++i) {
    if (block.IsFree(i)) {
      free(block.free_object[f++]);
    } else {
      alloc(block.alloc_object[a], block.alloc_size[a]);
      ++a;
    }
  }
}

absl::Status Make(const ChildTask& task) {
  absl::StatusOr<std::unique_ptr<traces::FileSink>> sink = traces::FileSink::Create(task.trace);
  if (!sink.ok()) return sink.status();
  traces::TraceWriter writer(sink->get());
  if (absl::Status s = writer.Header({}); !s.ok()) return s;
  traces::FactsCounter facts;
  std::vector<uint32_t> ops, sizes;
  ops.reserve(task.events);
  SyntheticTrace trace({.events = task.events, .live_objects = task.live_objects});
  EventBlock block;
  while (trace.Next(&block)) {
    ForEachEvent(
        block,
        [&](uint32_t id, uint32_t size) {
          ops.push_back(id);
          sizes.push_back(size);
          facts.CountEvent(EventKind::kMalloc);
          facts.Alloc(id, size);
          facts.EndEvent();
        },
        [&](uint32_t id) {
          ops.push_back(id | kOpFree);
          facts.CountEvent(EventKind::kFree);
          facts.Free(id);
          facts.EndEvent();
        });
    if (absl::Status s = writer.Block(0, block); !s.ok()) return s;
  }
  if (absl::Status s = writer.Finish({{.facts = facts.Facts(), .object_ids = trace.object_ids()}});
      !s.ok()) {
    return s;
  }
  if (absl::Status s = (*sink)->Commit(); !s.ok()) return s;
  const OpFileHeader header = {ops.size(), sizes.size(), trace.object_ids()};
  std::ofstream file(task.ops, std::ios::binary);
  const auto write = [&](const void* data, size_t size) {
    file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  };
  write(&header, sizeof header);
  write(ops.data(), ops.size() * sizeof(uint32_t));
  write(sizes.data(), sizes.size() * sizeof(uint32_t));
  file.close();
  if (!file) return absl::DataLossError(absl::StrCat(task.ops, ": not written"));
  Print("stored_bytes", static_cast<double>(writer.stored_bytes()));
  Print("peak_blocks", static_cast<double>(facts.Facts().peak_live_blocks));
  return absl::OkStatus();
}

// Blocks that are there already, handed out without a copy.
class DecodedBlocks : public sim::BlockSource {
 public:
  explicit DecodedBlocks(std::vector<EventBlock> blocks) : blocks_(std::move(blocks)) {}
  absl::StatusOr<bool> Next(EventBlock* block) override {
    if (next_ == blocks_.size()) return false;
    std::swap(*block, blocks_[next_++]);
    return true;
  }
  uint64_t events() const override {
    return blocks_.empty() ? 0 : blocks_.back().first_event + blocks_.back().count - 1;
  }

 private:
  std::vector<EventBlock> blocks_;
  size_t next_ = 0;
};

// Made when asked for; what that takes is kept apart.
class MadeBlocks : public sim::BlockSource {
 public:
  explicit MadeBlocks(const SyntheticOptions& options) : events_(options.events), trace_(options) {}
  absl::StatusOr<bool> Next(EventBlock* block) override {
    const Times begin = Times::Now();
    const bool more = trace_.Next(block);
    making_ += Times::Now() - begin;
    return more;
  }
  uint64_t events() const override { return events_; }
  const Times& making() const { return making_; }

 private:
  const uint64_t events_;
  SyntheticTrace trace_;
  Times making_;
};

// Peak resident bytes of this process.
double PeakMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word) {
    if (word == "VmHWM:") status >> kilobytes;
  }
  return kilobytes * 1024;
}

// Replays with all that the verb does too: machine, ledger, samples. The first half ends with the
// block that reaches it.
absl::Status Replay(const ChildTask& task, sim::BlockSource& source, const Times* not_counted) {
  const absl::StatusOr<proto::Policy> policy = sim::LoadPolicy(task.policy);
  if (!policy.ok()) return policy.status();
  const Times begin = Times::Now();
  Times middle = begin;
  uint64_t first_half = 0;
  sim::ReplayOptions options;
  options.progress = [&](uint64_t events) {
    if (first_half == 0 && events * 2 >= task.events) {
      first_half = events;
      middle = Times::Now();
    }
  };
  const absl::StatusOr<sim::ReplayOutcome> outcome = sim::RunReplay(source, *policy, options);
  const Times end = Times::Now();
  if (!outcome.ok()) return outcome.status();
  if (!outcome->complete || outcome->events != task.events) {
    return absl::InternalError(absl::StrCat("only ", outcome->events, " of ", task.events,
                                            " events were replayed: ", outcome->fatal));
  }
  Times all = end - begin;
  if (not_counted != nullptr) all = all - *not_counted;
  // The second half's time for as many events as half of them are.
  const double share = static_cast<double>(task.events) / 2 /
                       static_cast<double>(std::max<uint64_t>(1, task.events - first_half));
  Print("wall", all.wall);
  Print("cpu", all.cpu);
  Print("wall2", (end - middle).wall * share);
  Print("cpu2", (end - middle).cpu * share);
  Print("memory", PeakMemory());
  return absl::OkStatus();
}

absl::Status Memory(const ChildTask& task) {
  absl::StatusOr<std::vector<EventBlock>> blocks = ReadBlocks(task.trace);
  if (!blocks.ok()) return blocks.status();
  DecodedBlocks source(*std::move(blocks));
  return Replay(task, source, nullptr);
}

absl::Status File(const ChildTask& task) {
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = Open(task.trace);
  if (!reader.ok()) return reader.status();
  sim::TraceBlocks file(reader->get());
  sim::ReadAhead ahead(&file);
  return Replay(task, ahead, nullptr);
}

// Each allocation has one of a thousand call sites; an event comes every 100 ns.
class WithSites : public sim::BlockSource {
 public:
  explicit WithSites(std::unique_ptr<traces::TraceReader> reader) : reader_(std::move(reader)) {}
  absl::StatusOr<bool> Next(EventBlock* block) override {
    absl::StatusOr<bool> more = reader_->Next(block);
    if (!more.ok() || !*more) return more;
    for (size_t a = 0; a < block->alloc_object.size(); ++a) {
      block->call_site.push_back(1 + static_cast<uint32_t>((block->first_event + a) * 7919 % 1000));
    }
    for (uint32_t i = 0; i < block->count; ++i) {
      block->time_ns.push_back((block->first_event + i) * 100);
    }
    return more;
  }
  uint64_t events() const override { return reader_->stored_events(); }

 private:
  const std::unique_ptr<traces::TraceReader> reader_;
};

absl::Status Sites(const ChildTask& task) {
  const absl::StatusOr<proto::Policy> policy = sim::LoadPolicy(task.policy);
  if (!policy.ok()) return policy.status();
  const auto open = [&]() -> absl::StatusOr<std::unique_ptr<sim::BlockSource>> {
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = Open(task.trace);
    if (!reader.ok()) return reader.status();
    return std::make_unique<WithSites>(*std::move(reader));
  };
  sim::DetailRequest request;
  request.options.moments = {{sim::Moment::Kind::kPeak, 0, "peak"}};
  const absl::StatusOr<sim::ReplayOutcome> outcome =
      sim::RunReplayWithDetail(open, *policy, {}, request);
  if (!outcome.ok()) return outcome.status();
  if (outcome->detail->snapshots_size() != 1 || outcome->detail->call_sites_size() < 100) {
    return absl::InternalError("no snapshot, or none by call site");
  }
  Print("memory", PeakMemory());
  return absl::OkStatus();
}

// Keeps this process to the last of the processors that it may run on.
void TakeOneProcessor() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    // Where that is not allowed, figures are as of a machine with more neighbours.
    sched_setaffinity(0, sizeof set, &set);
    return;
  }
}

absl::Status Steady(const ChildTask& task) {
  TakeOneProcessor();
  MadeBlocks source({.events = task.events, .live_objects = task.live_objects});
  return Replay(task, source, &source.making());
}

void PrintTimes(const Times& times) {
  Print("wall", times.wall);
  Print("cpu", times.cpu);
}

absl::Status Decode(const ChildTask& task) {
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = Open(task.trace);
  if (!reader.ok()) return reader.status();
  EventBlock block;
  const Times begin = Times::Now();
  for (;;) {
    const absl::StatusOr<bool> more = (*reader)->Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  PrintTimes(Times::Now() - begin);
  return absl::OkStatus();
}

absl::Status Columns(const ChildTask& task) {
  const absl::StatusOr<std::vector<EventBlock>> blocks = ReadBlocks(task.trace);
  if (!blocks.ok()) return blocks.status();
  std::vector<std::string> chunks;
  double stored = 0;
  proto::EventChunk chunk;
  for (const EventBlock& block : *blocks) {
    traces::EncodeChunk(block, 0, traces::FreeCoding::kIds, &chunk);
    chunks.push_back(chunk.SerializeAsString());
    stored += static_cast<double>(chunks.back().size());
  }
  traces::ChunkDecoder decoder;
  EventBlock block;
  const Times begin = Times::Now();
  for (const std::string& bytes : chunks) {
    if (!chunk.ParseFromString(bytes)) return absl::InternalError("a chunk cannot be parsed");
    if (absl::Status s = decoder.Decode(chunk, &block); !s.ok()) return s;
  }
  PrintTimes(Times::Now() - begin);
  Print("stored_bytes", stored);
  return absl::OkStatus();
}

absl::Status Messages(const ChildTask& task) {
  const absl::StatusOr<std::vector<EventBlock>> blocks = ReadBlocks(task.trace);
  if (!blocks.ok()) return blocks.status();
  // Messages of about 64 Ki events, each behind its length.
  std::vector<std::string> parts;
  double stored = 0;
  for (const EventBlock& block : *blocks) {
    std::string& bytes = parts.emplace_back();
    EventMessage message;
    const auto add = [&](EventMessage::Kind kind, uint32_t id, uint32_t size) {
      message.set_kind(kind);
      message.set_object(id);
      message.set_size(size);
      bytes.push_back(static_cast<char>(message.ByteSizeLong()));
      message.AppendToString(&bytes);
    };
    ForEachEvent(
        block, [&](uint32_t id, uint32_t size) { add(EventMessage::KIND_MALLOC, id, size); },
        [&](uint32_t id) { add(EventMessage::KIND_FREE, id, 0); });
    stored += static_cast<double>(bytes.size());
  }
  EventMessage message;
  uint64_t sum = 0, expected = 0;
  const Times begin = Times::Now();
  for (const std::string& bytes : parts) {
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    uint32_t length;
    while (in.ReadVarint32(&length)) {
      const auto limit = in.PushLimit(static_cast<int>(length));
      if (!message.ParseFromCodedStream(&in)) {
        return absl::InternalError("a message cannot be parsed");
      }
      in.PopLimit(limit);
      sum += message.object();
    }
  }
  PrintTimes(Times::Now() - begin);
  for (const EventBlock& block : *blocks) {
    for (const uint32_t id : block.alloc_object) expected += id;
    for (const uint32_t id : block.free_object) expected += id;
  }
  if (sum != expected) return absl::InternalError("messages are not what they were");
  Print("stored_bytes", stored);
  return absl::OkStatus();
}

// Import as a user sees it: text in, blocks of a checked trace out.
absl::Status ImportText(const char* name, const std::string& from, const std::string& text,
                        uint64_t events) {
  const Times begin = Times::Now();
  absl::StatusOr<traces::OpenedTrace> trace =
      traces::OpenTraceSource(traces::MemorySource(text), name, {.from = from});
  if (!trace.ok()) return trace.status();
  const Times end = Times::Now();
  if (trace->reader->facts()->events != events) {
    return absl::InternalError(absl::StrCat(name, ": events are missing"));
  }
  Print(absl::StrCat(name, "_wall").c_str(), (end - begin).wall);
  Print(absl::StrCat(name, "_cpu").c_str(), (end - begin).cpu);
  Print(absl::StrCat(name, "_bytes").c_str(), static_cast<double>(text.size()));
  return absl::OkStatus();
}

absl::Status Import(const ChildTask& task) {
  SyntheticTrace trace({.events = task.events, .live_objects = task.live_objects});
  // A request has a number of its own in a .rep file.
  std::string rep, mtrace = "= Start\n";
  std::vector<uint32_t> numbers;
  uint32_t requests = 0;
  EventBlock block;
  while (trace.Next(&block)) {
    ForEachEvent(
        block,
        [&](uint32_t id, uint32_t size) {
          if (id >= numbers.size()) numbers.resize(id + 1);
          numbers[id] = requests++;
          absl::StrAppend(&rep, "a ", numbers[id], " ", size, "\n");
          absl::StrAppend(&mtrace, "@ /bin/program:[0x401136] + 0x",
                          absl::Hex(uint64_t{0x10000000} + uint64_t{id} * 16), " 0x",
                          absl::Hex(size), "\n");
        },
        [&](uint32_t id) {
          absl::StrAppend(&rep, "f ", numbers[id], "\n");
          absl::StrAppend(&mtrace, "@ /bin/program:[0x401150] - 0x",
                          absl::Hex(uint64_t{0x10000000} + uint64_t{id} * 16), "\n");
        });
  }
  rep = absl::StrCat("0\n", requests, "\n", task.events, "\n1\n", rep);
  if (absl::Status s = ImportText("rep", "cmu-rep", rep, task.events); !s.ok()) return s;
  return ImportText("mtrace", "glibc-mtrace", mtrace, task.events);
}

}  // namespace

absl::Status RunChild(const ChildTask& task) {
  static constexpr std::pair<const char*, absl::Status (*)(const ChildTask&)> kTasks[] = {
      {"make", Make},     {"memory", Memory},   {"file", File},
      {"decode", Decode}, {"columns", Columns}, {"messages", Messages},
      {"import", Import}, {"steady", Steady},   {"sites", Sites}};
  for (const auto& [name, run] : kTasks) {
    if (task.name == name) return run(task);
  }
  return absl::InvalidArgumentError(absl::StrCat("no such task: ", task.name));
}

}  // namespace heapsim::bench
