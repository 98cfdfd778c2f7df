#include "traces/transform/export.h"

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "traces/transform/event_cursor.h"

namespace heapsim::traces {
namespace {

constexpr size_t kBufferBytes = 1 << 18;
// Where nothing ever lives: what a free of an unknown pointer frees.
constexpr uint64_t kUnknownAddress = 8;

// Addresses for objects: of the same address when one takes the place of another, else one that no
// live object has. Ids are unique among the living, and so are multiples of them.
class Addresses {
 public:
  uint64_t Of(uint32_t object) const {
    const auto it = taken_over_.find(object);
    return it == taken_over_.end() ? Own(object) : it->second;
  }
  // A new object, or a resized one, at `dropped`'s address if there is one. An own address may be
  // in use by another that took it over: then the object gets a fresh one from above all ids.
  uint64_t Place(uint32_t object, uint32_t dropped) {
    if (dropped != kNoObject) {
      const uint64_t address = Of(dropped);
      Release(dropped);
      Release(object);
      taken_over_[object] = address;
      in_use_[address] = true;
      return address;
    }
    Release(object);
    if (in_use_.contains(Own(object))) {
      const uint64_t address = (uint64_t{1} << 40) + 16 * next_extra_++;
      taken_over_[object] = address;
      return address;
    }
    return Own(object);
  }
  void Release(uint32_t object) {
    const auto it = taken_over_.find(object);
    if (it == taken_over_.end()) return;
    in_use_.erase(it->second);
    taken_over_.erase(it);
  }

 private:
  static uint64_t Own(uint32_t object) { return 16 * (uint64_t{object} + 1); }

  absl::flat_hash_map<uint32_t, uint64_t> taken_over_;
  absl::flat_hash_map<uint64_t, bool> in_use_;  // addresses that are not their holder's own
  uint64_t next_extra_ = 0;
};

std::string Pointer(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

// One line of memory_replay.
std::string AndroidLine(const Event& event, Addresses* addresses) {
  std::string line = absl::StrCat(event.has_thread ? event.thread + 1 : 1, ": ");
  const bool nothing = event.frees && event.object == kNoObject;
  switch (event.kind) {
    case EventKind::kMalloc:
    case EventKind::kCalloc:
    case EventKind::kMemalign: {
      const std::string pointer =
          Pointer(nothing ? 0 : addresses->Place(event.object, event.dropped));
      if (event.kind == EventKind::kMalloc) {
        absl::StrAppend(&line, "malloc ", pointer, " ", event.size);
      } else if (event.kind == EventKind::kCalloc) {
        absl::StrAppend(&line, "calloc ", pointer, " 1 ", event.size);
      } else {
        absl::StrAppend(&line, "memalign ", pointer, " ", event.alignment, " ", event.size);
      }
      break;
    }
    case EventKind::kRealloc: {
      if (nothing) {
        absl::StrAppend(&line, "realloc 0x0 0x0 ", event.size);
        break;
      }
      const uint64_t old = event.frees ? addresses->Of(event.object) : 0;
      const uint64_t now = event.frees && event.dropped == kNoObject
                               ? old
                               : addresses->Place(event.object, event.dropped);
      absl::StrAppend(&line, "realloc ", Pointer(now), " ", Pointer(old), " ", event.size);
      break;
    }
    case EventKind::kReallocFree:
      absl::StrAppend(&line, "realloc 0x0 ", Pointer(addresses->Of(event.object)), " 0");
      addresses->Release(event.object);
      break;
    case EventKind::kFree:
      absl::StrAppend(&line, "free ", Pointer(addresses->Of(event.object)));
      addresses->Release(event.object);
      break;
    case EventKind::kFreeNull:
      absl::StrAppend(&line, "free 0x0");
      break;
    case EventKind::kFreeUnknown:
      absl::StrAppend(&line, "free ", Pointer(kUnknownAddress));
      break;
  }
  if (event.has_time) absl::StrAppend(&line, " ", event.time_ns, " ", event.time_ns);
  line += '\n';
  return line;
}

absl::string_view KindName(EventKind kind) {
  switch (kind) {
    case EventKind::kMalloc:
      return "malloc";
    case EventKind::kCalloc:
      return "calloc";
    case EventKind::kMemalign:
      return "memalign";
    case EventKind::kRealloc:
      return "realloc";
    case EventKind::kFree:
      return "free";
    case EventKind::kFreeNull:
      return "free_null";
    case EventKind::kFreeUnknown:
      return "free_unknown";
    case EventKind::kReallocFree:
      return "realloc_free";
  }
  return "";
}

constexpr absl::string_view kCsvTitles =
    "event,kind,object,size,alignment,failed,dropped_object,time_ns,thread,call_site,scan,weight\n";

// Absent values are empty fields.
std::string CsvLine(const Event& event) {
  const auto object = [](uint32_t id) { return id == kNoObject ? "" : absl::StrCat(id); };
  const auto optional = [](bool has, uint64_t value) { return has ? absl::StrCat(value) : ""; };
  return absl::StrCat(
      absl::StrCat(event.number, ",", KindName(event.kind), ",", object(event.object), ",",
                   event.size, ",", event.alignment, ",", event.failed ? 1 : 0, ","),
      absl::StrCat(object(event.dropped), ",", optional(event.has_time, event.time_ns), ",",
                   optional(event.has_thread, event.thread), ",",
                   optional(event.has_call_site, event.call_site), ","),
      absl::StrCat(optional(event.has_scan, event.scan ? 1 : 0), ",",
                   optional(event.has_weight, event.weight), "\n"));
}

}  // namespace

absl::Span<const ExportFormat> ExportFormats() {
  static constexpr ExportFormat kFormats[] = {
      {"android", "Android memory_replay text"},
      {"csv", "an event a line, with every column"},
  };
  return kFormats;
}

absl::Status ExportTrace(TraceReader& reader, absl::string_view format, ByteSink* sink) {
  const bool csv = format == "csv";
  if (!csv && format != "android") {
    std::string names;
    for (const ExportFormat& known : ExportFormats()) absl::StrAppend(&names, " ", known.name);
    return absl::InvalidArgumentError(
        absl::StrCat("cannot export to '", format, "'; there are:", names));
  }
  EventCursor cursor(&reader);
  Addresses addresses;
  std::string buffer = csv ? std::string(kCsvTitles) : "";
  Event event;
  for (;;) {
    absl::StatusOr<bool> more = cursor.Next(&event);
    if (!more.ok()) return more.status();
    if (!*more) return sink->Append(buffer);
    buffer += csv ? CsvLine(event) : AndroidLine(event, &addresses);
    if (buffer.size() < kBufferBytes) continue;
    if (absl::Status s = sink->Append(buffer); !s.ok()) return s;
    buffer.clear();
  }
}

}  // namespace heapsim::traces
