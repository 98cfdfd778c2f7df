#include "traces/importers/heaptrack_common.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

constexpr uint64_t kNanosecondsPerMillisecond = 1000000;
constexpr uint64_t kNewestFormat = 3;

// Whether `text` is `least` to `most` hexadecimal fields.
bool IsHexFields(absl::string_view text, int least, int most) {
  int fields = 0;
  uint64_t number;
  while (!text.empty()) {
    if (!ParseHex(TakeField(&text), &number)) return false;
    ++fields;
  }
  return fields >= least && fields <= most;
}

// 10400 (hexadecimal) is 1.4.0.
std::string VersionName(uint64_t version) {
  return absl::StrCat("heaptrack ", version >> 16, ".", (version >> 8) & 0xff, ".", version & 0xff);
}

}  // namespace

HeaptrackLine ClassifyHeaptrackLine(absl::string_view line) {
  if (line.size() < 2 || line[1] != ' ') {
    return line == "A" ? HeaptrackLine::kCommon : HeaptrackLine::kNone;
  }
  const absl::string_view rest = line.substr(2);
  const auto when = [](bool holds, HeaptrackLine kind) {
    return holds ? kind : HeaptrackLine::kNone;
  };
  switch (line[0]) {
    case 'v':
      return when(IsHexFields(rest, 1, 2), HeaptrackLine::kCommon);
    case 'I':
      return when(IsHexFields(rest, 2, 2), HeaptrackLine::kCommon);
    case 'c':
    case 'R':
      return when(IsHexFields(rest, 1, 1), HeaptrackLine::kCommon);
    case 't':
      return when(IsHexFields(rest, 2, 2), HeaptrackLine::kCommon);
    case 'X':
    case 'S':
    case '#':
      return HeaptrackLine::kCommon;
    case 'x':
    case 'm':
      return HeaptrackLine::kRaw;
    case '+':
      if (IsHexFields(rest, 3, 3)) return HeaptrackLine::kRaw;
      return when(IsHexFields(rest, 1, 1), HeaptrackLine::kInterpreted);
    case '-':
      // One number in both kinds, but an address is long.
      if (!IsHexFields(rest, 1, 1)) return HeaptrackLine::kNone;
      return rest.size() > 6 ? HeaptrackLine::kRaw : HeaptrackLine::kCommon;
    case 'a':
      return when(IsHexFields(rest, 2, 2), HeaptrackLine::kInterpreted);
    case 's':
    case 'i':
      return HeaptrackLine::kInterpreted;
    default:
      return HeaptrackLine::kNone;
  }
}

HeaptrackCommon::HeaptrackCommon(ImportSink* sink) : sink_(*sink) {
  sink_.process().blocks.SetTime(0);
  sink_.header().set_recorder("heaptrack");
}

bool HeaptrackCommon::Take(absl::string_view line, uint64_t number) {
  absl::string_view rest = line.substr(std::min<size_t>(2, line.size()));
  switch (line[0]) {
    case 'c': {
      uint64_t milliseconds;
      if (ParseHex(rest, &milliseconds)) {
        sink_.process().blocks.SetTime(SaturatedProduct(milliseconds, kNanosecondsPerMillisecond));
      } else {
        sink_.BadLine(number, "a time that is no number");
      }
      return true;
    }
    case 'R': {
      uint64_t pages;
      if (ParseHex(rest, &pages)) {
        sink_.process().blocks.AddMarker(MarkerKind::kRss, SaturatedProduct(pages, page_bytes_));
      } else {
        sink_.BadLine(number, "an RSS that is no number");
      }
      return true;
    }
    case 'I':
      if (!ParseHex(TakeField(&rest), &page_bytes_)) {
        page_bytes_ = 4096;
        sink_.BadLine(number, "a page size that is no number");
      }
      return true;
    case 'v':
      if (!ParseHex(TakeField(&rest), &version_) || (!rest.empty() && !ParseHex(rest, &format_))) {
        sink_.BadLine(number, "a version that is no number");
      } else {
        sink_.header().set_recorder(VersionName(version_));
        if (format_ > kNewestFormat) {
          sink_.Warn(absl::StrCat("heaptrack format ", format_,
                                  " is newer than the formats known, 0 to ", kNewestFormat));
        }
      }
      return true;
    case 'X':
      sink_.header().set_command_line(std::string(rest));
      if (sink_.header().program().empty()) {
        sink_.header().set_program(std::string(TakeField(&rest)));
      }
      return true;
    case 'x': {
      absl::string_view program;
      TakeString(&rest, Place::kLast, &program);
      sink_.header().set_program(std::string(program));
      return true;
    }
    case 'A':
      sink_.Warn(
          "the recorder was attached to a running program: what was alive before is unknown");
      return true;
    case 'm':
      TakeModule(rest);
      return true;
    case 'S':
    case '#':
      return true;
    default:
      return false;
  }
}

bool HeaptrackCommon::TakeString(absl::string_view* text, Place place,
                                 absl::string_view* string) const {
  uint64_t length = text->size();
  bool sound = true;
  if (format_ >= 3) {
    sound = ParseHex(TakeField(text), &length) && length <= text->size();
    if (place == Place::kLast) sound = sound && length == text->size();
  } else if (place == Place::kWithin) {
    *string = TakeField(text);
    return true;
  }
  if (!sound || place == Place::kLast) length = text->size();
  *string = text->substr(0, length);
  text->remove_prefix(length);
  if (text->empty()) return sound;
  const bool ends = text->front() == ' ';
  text->remove_prefix(1);
  return ends;
}

void HeaptrackCommon::TakeModule(absl::string_view text) {
  if (!sink_.keep_call_sites()) return;
  ImportSink::Process& process = sink_.process();
  const auto bad = [&] { sink_.Warn("a line about a module makes no sense and was left out"); };
  absl::string_view name;
  if (!TakeString(&text, Place::kWithin, &name)) return bad();
  if (name == "-") {  // the list starts anew
    sink_.ForgetModules(process);
    return;
  }
  if (name == "x") name = sink_.header().program();
  uint64_t bias, offset, size;
  if (!ParseHex(TakeField(&text), &bias)) return bad();
  while (!text.empty()) {
    if (!ParseHex(TakeField(&text), &offset) || !ParseHex(TakeField(&text), &size)) return bad();
    process.code.AddModule(name, bias + offset, bias + offset + size, bias);
  }
}

absl::StatusOr<bool> HeaptrackCommon::Next(LineReader& lines, absl::string_view* line) {
  const BlockBuilder& blocks = sink_.process().blocks;
  while (sink_.status().ok() && blocks.status().ok()) {
    absl::StatusOr<bool> more = lines.Next(line);
    if (!more.ok() || !*more) return more;
    if (!lines.terminated()) {
      sink_.Incomplete("the last line has no end and was left out");
      return false;
    }
    if (!line->empty()) return true;
  }
  return false;
}

}  // namespace heapsim::traces
