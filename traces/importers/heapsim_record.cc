#include "traces/importers/heapsim_record.h"

#include <cstring>
#include <string>
#include <vector>

#include "traces/importers/text.h"
#include "traces/recorder/recording.h"

namespace heapsim::traces {
namespace {

constexpr uint32_t kMaxCommandBytes = 1 << 20;

// False if the record is of no known call.
bool Apply(const CallRecord& record, ImportSink::Process& process) {
  process.blocks.SetTime(record.time_ns);
  process.blocks.SetThread(record.thread);
  switch (record.call) {
    case RecordedCall::kMalloc:
      process.addresses.Malloc(record.result, record.size);
      return true;
    case RecordedCall::kCalloc:
      process.addresses.Calloc(record.result, record.size);
      return true;
    case RecordedCall::kMemalign:
      process.addresses.Memalign(record.result, record.argument, record.size);
      return true;
    case RecordedCall::kRealloc:
      process.addresses.Realloc(record.result, record.argument, record.size);
      return true;
    case RecordedCall::kFree:
      process.addresses.Free(record.argument);
      return true;
  }
  return false;
}

// What is left of `wanted` bytes when the stream ends early is reported as damage by the caller.
absl::StatusOr<bool> ReadWhole(ByteSource& source, void* buffer, size_t wanted) {
  absl::StatusOr<size_t> got = ReadFully(source, static_cast<char*>(buffer), wanted);
  if (!got.ok()) return got.status();
  return *got == wanted;
}

}  // namespace

int HeapsimRecordImporter::Sniff(absl::string_view head) const {
  return head.size() >= sizeof(BatchHeader) &&
                 (std::memcmp(head.data(), kBatchMagic, sizeof(kBatchMagic)) == 0 ||
                  std::memcmp(head.data(), kCommandMagic, sizeof(kCommandMagic)) == 0)
             ? 100
             : 0;
}

absl::Status HeapsimRecordImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("heapsim record");
  sink.header().set_several_processes(true);
  std::vector<CallRecord> records;
  uint64_t number = 0;
  while (sink.status().ok()) {
    BatchHeader header;
    absl::StatusOr<size_t> got =
        ReadFully(source, reinterpret_cast<char*>(&header), sizeof(header));
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::OkStatus();
    const bool command = std::memcmp(header.magic, kCommandMagic, sizeof(kCommandMagic)) == 0;
    if (*got < sizeof(header) ||
        (!command && std::memcmp(header.magic, kBatchMagic, sizeof(kBatchMagic)) != 0) ||
        header.count > (command ? kMaxCommandBytes : kBatchRecords)) {
      sink.Incomplete("the recording breaks off or is damaged");
      return absl::OkStatus();
    }
    absl::StatusOr<bool> whole;
    if (command) {
      std::string text(header.count, '\0');
      whole = ReadWhole(source, text.data(), text.size());
      absl::string_view rest = text;
      sink.header().set_command_line(text);
      sink.header().set_program(std::string(TakeField(&rest)));
    } else {
      records.resize(header.count);
      whole = ReadWhole(source, records.data(), records.size() * sizeof(CallRecord));
    }
    if (!whole.ok()) return whole.status();
    if (!*whole) {
      sink.Incomplete("the recording breaks off");
      return absl::OkStatus();
    }
    if (command) continue;
    ImportSink::Process& process = sink.ProcessOf(header.pid);
    for (const CallRecord& record : records) {
      ++number;
      if (!Apply(record, process)) sink.BadLine(number, "a record of no known call");
    }
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces
