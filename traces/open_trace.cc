#include "traces/open_trace.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "traces/format/frame.h"
#include "traces/format/trace_writer.h"
#include "traces/importers/import_sink.h"
#include "traces/importers/registry.h"
#include "traces/io/byte_sink.h"
#include "traces/io/decompress.h"

namespace heapsim::traces {
namespace {

constexpr size_t kHeadBytes = 64 << 10;
constexpr absl::string_view kNativeFormat = "htrace";

absl::StatusOr<std::string> ReadHead(ByteSource& source) {
  std::string head(kHeadBytes, '\0');
  absl::StatusOr<size_t> got = ReadFully(source, head.data(), head.size());
  if (!got.ok()) return got.status();
  head.resize(*got);
  return head;
}

bool StartsNative(absl::string_view head) {
  return head.substr(0, kFileMagic.size()) == kFileMagic;
}

// Says which process was taken where there are others.
void WarnOfOtherProcesses(const OpenOptions& options, OpenedTrace* opened) {
  const TraceReader& reader = *opened->reader;
  // Who copies the whole trace gets them too.
  if (options.pid.has_value() || options.copy_to != nullptr) return;
  if (reader.processes().size() < 2) return;
  constexpr size_t kNamed = 6;
  std::vector<ProcessEntry> others;
  uint64_t taken = 0;
  for (const ProcessEntry& process : reader.processes()) {
    if (process.pid == reader.pid()) {
      taken = process.events;
    } else {
      others.push_back(process);
    }
  }
  std::stable_sort(others.begin(), others.end(), [](const ProcessEntry& a, const ProcessEntry& b) {
    return a.events > b.events;
  });
  std::string text = absl::StrCat("process ", reader.pid(), " with ", taken,
                                  " events was taken; --pid chooses another:");
  for (size_t i = 0; i < others.size() && i < kNamed; ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", ", others[i].pid, " (", others[i].events, ")");
  }
  if (others.size() > kNamed) absl::StrAppend(&text, " and ", others.size() - kNamed, " more");
  opened->warnings.push_back(std::move(text));
}

absl::StatusOr<std::unique_ptr<ByteSource>> SpoolAll(ByteSource& source) {
  Spool spool;
  std::string buffer(1 << 20, '\0');
  for (;;) {
    absl::StatusOr<size_t> got = source.Read(buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return spool.Finish();
    absl::Status put = spool.Append(absl::string_view(buffer).substr(0, *got));
    if (!put.ok()) return put;
  }
}

absl::Status CopyAll(ByteSource& seekable, ByteSink& sink) {
  std::string buffer(1 << 20, '\0');
  for (uint64_t offset = 0; offset < seekable.size();) {
    absl::StatusOr<size_t> got = seekable.ReadAt(offset, buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::DataLossError("the file became shorter while it was read");
    absl::Status put = sink.Append(absl::string_view(buffer).substr(0, *got));
    if (!put.ok()) return put;
    offset += *got;
  }
  return absl::OkStatus();
}

// Whether the `.htrace` that starts so may hold more than one process, which only its end tells
// apart.
bool MayHoldProcesses(absl::string_view head, const std::string& name) {
  const std::unique_ptr<ByteSource> source = MemorySource(head);
  FrameReader frames(source.get(), name);
  absl::StatusOr<FrameReader::Frame> frame = frames.Next();
  proto::TraceHeader header;
  // A header longer than `head` is no reason to fail here.
  return !frame.ok() ||
         !header.ParseFromArray(frame->raw.data(), static_cast<int>(frame->raw.size())) ||
         header.several_processes();
}

absl::StatusOr<OpenedTrace> OpenNative(std::unique_ptr<ByteSource> source, absl::string_view head,
                                       const std::string& name, const OpenOptions& options) {
  if (!source->seekable()) {
    const bool keep =
        options.pid.has_value() || options.copy_to != nullptr || MayHoldProcesses(head, name);
    if (keep) {
      absl::StatusOr<std::unique_ptr<ByteSource>> kept = SpoolAll(*source);
      if (!kept.ok()) return kept.status();
      source = *std::move(kept);
    }
  }
  if (options.copy_to != nullptr) {
    absl::Status copied = CopyAll(*source, *options.copy_to);
    if (!copied.ok()) return copied;
  }
  ReaderOptions reader_options;
  reader_options.pid = options.pid;
  absl::StatusOr<std::unique_ptr<TraceReader>> reader =
      TraceReader::Open(std::move(source), name, reader_options);
  if (!reader.ok()) return reader.status();
  OpenedTrace opened;
  opened.reader = *std::move(reader);
  WarnOfOtherProcesses(options, &opened);
  return opened;
}

absl::StatusOr<OpenedTrace> OpenForeign(std::unique_ptr<DecompressedSource> packed,
                                        std::string head, const Importer& importer,
                                        const std::string& name, const OpenOptions& options) {
  const DecompressedSource& layer = *packed;
  const std::unique_ptr<ByteSource> source = PrependSource(std::move(head), std::move(packed));
  Spool spool;
  // What is read once and thrown away is better fast than small.
  const WriterOptions writer_options =
      options.copy_to == nullptr ? WriterOptions{.level = 1} : WriterOptions{};
  TraceWriter writer(&spool, writer_options);
  ImportSink sink(std::string(importer.name()), options.keep_call_sites, &writer);
  absl::Status status = importer.Import(*source, sink);
  if (status.ok() && !layer.damage().empty()) sink.Incomplete(layer.damage());
  if (!layer.remark().empty()) sink.Warn(layer.remark());
  if (status.ok() && sink.events() == 0) {
    std::string why;
    for (const std::string& warning : sink.Warnings()) absl::StrAppend(&why, "; ", warning);
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": no usable event in this file of format ", importer.name(), why));
  }
  if (status.ok()) status = sink.Finish();
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
  }
  absl::StatusOr<std::unique_ptr<ByteSource>> imported = spool.Finish();
  if (!imported.ok()) return imported.status();
  if (options.copy_to != nullptr) {
    status = CopyAll(**imported, *options.copy_to);
    if (!status.ok()) return status;
  }
  ReaderOptions reader_options;
  reader_options.pid = options.pid;
  absl::StatusOr<std::unique_ptr<TraceReader>> reader =
      TraceReader::Open(*std::move(imported), name, reader_options);
  if (!reader.ok()) return reader.status();
  OpenedTrace opened;
  opened.reader = *std::move(reader);
  opened.warnings = sink.Warnings();
  WarnOfOtherProcesses(options, &opened);
  return opened;
}

}  // namespace

absl::StatusOr<OpenedTrace> OpenTraceSource(std::unique_ptr<ByteSource> source,
                                            const std::string& name, const OpenOptions& options) {
  const Importer* importer = nullptr;
  if (!options.from.empty() && options.from != kNativeFormat) {
    importer = FindImporter(options.from);
    if (importer == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("unknown format '", options.from,
                                                     "'; `heapsim formats` lists those there are"));
    }
  }
  if (source->seekable() && importer == nullptr) {
    std::string magic(kFileMagic.size(), '\0');
    absl::StatusOr<size_t> got = ReadFullyAt(*source, 0, magic.data(), magic.size());
    if (!got.ok()) return got.status();
    magic.resize(*got);
    if (StartsNative(magic)) return OpenNative(std::move(source), magic, name, options);
  }
  absl::StatusOr<std::unique_ptr<DecompressedSource>> packed = Decompress(std::move(source));
  if (!packed.ok()) return packed.status();
  absl::StatusOr<std::string> head = ReadHead(**packed);
  if (!head.ok()) return head.status();
  if (importer == nullptr && (StartsNative(*head) || options.from == kNativeFormat)) {
    const std::string copy = *head;
    return OpenNative(PrependSource(*std::move(head), *std::move(packed)), copy, name, options);
  }
  if (importer == nullptr) importer = RecogniseFormat(*head);
  if (importer == nullptr) {
    const std::string damage =
        (*packed)->damage().empty() ? "" : absl::StrCat(" (", (*packed)->damage(), ")");
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": ", head->empty() ? "nothing to read" : "not a trace of any known format", damage,
        " at offset 0; `heapsim formats` lists the formats, --from=FORMAT forces one"));
  }
  return OpenForeign(*std::move(packed), *std::move(head), *importer, name, options);
}

absl::StatusOr<OpenedTrace> OpenTrace(const std::string& path, const OpenOptions& options) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenFile(path);
  if (!source.ok()) return source.status();
  return OpenTraceSource(*std::move(source), path == "-" ? "standard input" : path, options);
}

}  // namespace heapsim::traces
