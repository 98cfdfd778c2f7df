#include "traces/importers/lttng_ust.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "traces/importers/text.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {
namespace {

constexpr absl::string_view kProvider = "lttng_ust_libc:";
constexpr uint64_t kNanosecondsPerSecond = 1000000000;
constexpr uint64_t kNanosecondsPerDay = 86400 * kNanosecondsPerSecond;

// Fields by name; a value is present if its bit is set.
struct Fields {
  enum Name {
    kThread,
    kProcess,
    kPtr,
    kInPtr,
    kOutPtr,
    kSize,
    kNmemb,
    kAlignment,
    kResult,
    kNames
  };
  uint64_t value[kNames] = {};
  uint32_t present = 0;
  bool has(Name name) const { return present >> name & 1; }
};

// Sets the field if `name` is one of ours; false if its value makes no sense.
bool SetField(absl::string_view name, absl::string_view value, Fields* fields) {
  static constexpr struct {
    absl::string_view name;
    Fields::Name field;
  } kNames[] = {
      {"ptr", Fields::kPtr},        {"size", Fields::kSize},           {"vtid", Fields::kThread},
      {"vpid", Fields::kProcess},   {"in_ptr", Fields::kInPtr},        {"nmemb", Fields::kNmemb},
      {"out_ptr", Fields::kOutPtr}, {"alignment", Fields::kAlignment}, {"result", Fields::kResult},
  };
  for (const auto& known : kNames) {
    if (name != known.name) continue;
    // An error number is negative in some versions: that it is not 0 is what matters.
    if (known.field == Fields::kResult && absl::StartsWith(value, "-")) value.remove_prefix(1);
    uint64_t* to = &fields->value[known.field];
    if (!ParsePointer(value, to) && !ParseDecimal(value, to)) return false;
    fields->present |= 1u << known.field;
    return true;
  }
  return true;
}

// "{ a = 1, b = "x" }, { c = 0x2 }" and so on, to the end of the line.
bool ParseFields(absl::string_view text, Fields* fields) {
  int depth = 0;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '{' || c == '}') {
      depth += c == '{' ? 1 : -1;
      text.remove_prefix(1);
    } else if (c == ' ' || c == ',') {
      text.remove_prefix(1);
    } else {
      const size_t equals = text.find(" = ");
      if (equals == absl::string_view::npos) return false;
      const absl::string_view name = text.substr(0, equals);
      text.remove_prefix(equals + 3);
      size_t end;
      if (!text.empty() && text.front() == '"') {
        // A name in quotes, with its own quotes escaped.
        end = 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.size()) return false;
        ++end;
      } else {
        end = std::min(text.find_first_of(", }"), text.size());
      }
      if (!SetField(name, text.substr(0, end), fields)) return false;
      text.remove_prefix(end);
    }
  }
  return depth == 0;
}

// The digits after a decimal point, as nanoseconds.
bool ParseFraction(absl::string_view digits, uint64_t* ns) {
  if (digits.empty() || digits.size() > 9 || !ParseDecimal(digits, ns)) return false;
  for (size_t i = digits.size(); i < 9; ++i) *ns *= 10;
  return true;
}

// Time of a line in nanoseconds: "[20:33:45.314860748]", with a date before it, in seconds
// "[1700000000.314860748]" or in the clock's cycles "[00123456789]", which are nanoseconds with the
// clock that LTTng uses.
class Clock {
 public:
  bool Parse(absl::string_view text, uint64_t* ns) {
    const size_t blank = text.rfind(' ');
    absl::string_view date;
    if (blank != absl::string_view::npos) {
      date = text.substr(0, blank);
      text.remove_prefix(blank + 1);
    }
    absl::string_view whole = TakeField(&text, '.');
    uint64_t fraction = 0;
    if (!text.empty() && !ParseFraction(text, &fraction)) return false;
    if (whole.find(':') == absl::string_view::npos) {
      if (!ParseDecimal(whole, ns)) return false;
      if (!text.empty()) *ns = SaturatedProduct(*ns, kNanosecondsPerSecond) + fraction;
      return true;
    }
    uint64_t hours, minutes, seconds;
    if (!ParseDecimal(TakeField(&whole, ':'), &hours) ||
        !ParseDecimal(TakeField(&whole, ':'), &minutes) || !ParseDecimal(whole, &seconds) ||
        hours > 24 || minutes > 59 || seconds > 60) {
      return false;
    }
    *ns = ((hours * 60 + minutes) * 60 + seconds) * kNanosecondsPerSecond + fraction;
    // The time of day starts anew at midnight, a date tells it and is not needed for more.
    if (*ns + kNanosecondsPerDay / 2 < last_ % kNanosecondsPerDay) days_ += 1;
    last_ = *ns;
    *ns += days_ * kNanosecondsPerDay;
    return true;
  }

 private:
  uint64_t last_ = 0;
  uint64_t days_ = 0;
};

bool IsDiscarded(absl::string_view line) {
  return absl::StrContains(line, "discarded") && absl::StrContains(line, "event");
}

class Import {
 public:
  Import(ByteSource& source, ImportSink& sink) : lines_(&source), sink_(sink) {}

  absl::Status Run() {
    absl::string_view line;
    while (sink_.status().ok()) {
      absl::StatusOr<bool> more = lines_.Next(&line);
      if (!more.ok()) return more.status();
      if (!*more) break;
      if (!lines_.terminated()) {
        sink_.Incomplete("the last line has no end and was left out");
        break;
      }
      if (!line.empty()) Line(line);
    }
    return absl::OkStatus();
  }

 private:
  void Line(absl::string_view line) {
    const size_t provider = line.find(kProvider);
    if (provider == absl::string_view::npos) {
      if (IsDiscarded(line)) {
        sink_.Incomplete(absl::StrCat("events are missing: ", line.substr(0, 200)));
      } else if (line.front() != '[' || line.find('{') == absl::string_view::npos) {
        sink_.BadLine(lines_.number(), "not an event");
      }
      return;  // an event of another provider
    }
    absl::string_view rest = line.substr(provider + kProvider.size());
    const absl::string_view event = TakeField(&rest, ':');
    Fields fields;
    if (!ParseFields(rest, &fields)) {
      sink_.BadLine(lines_.number(), "fields that make no sense");
      return;
    }
    ImportSink::Process& process = sink_.ProcessOf(fields.value[Fields::kProcess]);
    const size_t bracket = line.find(']');
    uint64_t ns;
    if (line.front() == '[' && bracket < provider) {
      if (clock_.Parse(line.substr(1, bracket - 1), &ns)) {
        process.blocks.SetTime(ns);
      } else {
        sink_.BadLine(lines_.number(), "a time that makes no sense");
        return;
      }
    }
    if (fields.has(Fields::kThread)) process.blocks.SetThread(fields.value[Fields::kThread]);
    if (!Event(event, fields, process.addresses)) {
      sink_.BadLine(lines_.number(), absl::StrCat("not a call: ", event.substr(0, 40)));
    }
  }

  static bool Event(absl::string_view event, const Fields& fields, IdentityResolver& addresses) {
    const uint64_t size = fields.value[Fields::kSize];
    const uint64_t result = fields.value[Fields::kPtr];
    if (event == "posix_memalign") {
      if (!fields.has(Fields::kOutPtr) || !fields.has(Fields::kSize)) return false;
      addresses.Memalign(fields.value[Fields::kResult] == 0 ? fields.value[Fields::kOutPtr] : 0,
                         fields.value[Fields::kAlignment], size);
      return true;
    }
    if (!fields.has(Fields::kPtr)) return false;
    if (event == "free") {
      addresses.Free(result);
      return true;
    }
    if (!fields.has(Fields::kSize)) return false;
    if (event == "malloc") {
      addresses.Malloc(result, size);
    } else if (event == "calloc") {
      addresses.Calloc(result, SaturatedProduct(fields.value[Fields::kNmemb], size));
    } else if (event == "realloc") {
      addresses.Realloc(result, fields.value[Fields::kInPtr], size);
    } else if (event == "memalign") {
      addresses.Memalign(result, fields.value[Fields::kAlignment], size);
    } else {
      return false;
    }
    return true;
  }

  LineReader lines_;
  ImportSink& sink_;
  Clock clock_;
};

}  // namespace

int LttngUstImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view line) {
    return absl::StrContains(line, kProvider) || IsDiscarded(line);
  });
  return percent >= 20 ? percent : 0;
}

absl::Status LttngUstImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("LTTng-UST libc wrapper");
  sink.header().set_several_processes(true);
  return traces::Import(source, sink).Run();
}

}  // namespace heapsim::traces
