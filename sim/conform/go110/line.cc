#include "sim/conform/go110/line.h"

#include "sim/conform/fields.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {
namespace {

// Fields: d decimal, s decimal that may be negative, h hexadecimal, o hexadecimal or "-", b bit, m
// decimal or "max", w word; * any number of words. Inputs and results apart; results null: the kind
// has none.
struct Shape {
  Kind kind;
  absl::string_view letter;
  const char* inputs;
  const char* results = nullptr;
};

constexpr Shape kShapes[] = {
    {Kind::kUnknown, "?", ""},
    {Kind::kSpanAlloc, "A", "dwdb", "hdbbh"},
    {Kind::kGrow, "G", "dd", "h"},
    {Kind::kSpanFree, "F", "hdwbbwbh", "dhddb"},
    {Kind::kScavenge, "S", "smd", "d"},
    {Kind::kMalloc, "M", "dbb", "h"},
    {Kind::kRefill, "R", "do", "hwddd"},
    {Kind::kDeduct, "D", "dddd"},
    {Kind::kReclaim, "H", "d"},
    {Kind::kSweepStep, "W", "w", "s"},
    {Kind::kSweep, "Z", "hdddbdddw", "ddb"},
    {Kind::kFlush, "Y", ""},
    {Kind::kEnsureSwept, "Q", "h"},
    {Kind::kDescriptor, "n", "h"},
    {Kind::kAbsorbed, "x", "h"},
    {Kind::kChunk, "k", "dh"},
    {Kind::kTreap, "t", "hddh"},
    {Kind::kUnused, "U", "hh"},
    {Kind::kUsed, "u", "hh"},
    {Kind::kAdvice, "v", "hhw"},
    {Kind::kMap, "m", "whhw"},
    {Kind::kSystemTaken, "o+", "hw"},
    {Kind::kSystemReturned, "o-", "hw"},
    {Kind::kUncached, "X", "dhd"},
    {Kind::kSpecialAdd, "P+", "hddb"},
    {Kind::kSpecialRemove, "P-", "hddb"},
    {Kind::kSpecialTaken, "P!", "hd"},
    {Kind::kCheckpoint, "C", "dddddddddddddddd"},
    {Kind::kDumpList, "L", "dhdddbh"},
    {Kind::kDumpTreap, "T", "dhdddbhd"},
    {Kind::kDumpEnd, "E", ""},
    {Kind::kCycle, "gS", "ddddss"},
    {Kind::kPhase, "gP", "dd"},
    {Kind::kMarked, "gM", "d"},
    {Kind::kSweepStart, "gW", "ddd"},
    {Kind::kPacing, "gR", "hddssdbd"},
    {Kind::kVersion, "V", "*"},
    {Kind::kInfo, "I", "*"},
    {Kind::kInfo2, "I2", "*"},
    {Kind::kExit, ".", "d"},
    {Kind::kTrailer, ";", "dww"},
};

constexpr bool InOrder() {
  uint8_t i = 0;
  for (const Shape& shape : kShapes) {
    if (shape.kind != static_cast<Kind>(i++)) return false;
  }
  return true;
}
static_assert(InOrder(), "kShapes is indexed by kind");

Kind OfLetter(char c) {
  switch (c) {
    case 'A':
      return Kind::kSpanAlloc;
    case 'G':
      return Kind::kGrow;
    case 'F':
      return Kind::kSpanFree;
    case 'S':
      return Kind::kScavenge;
    case 'M':
      return Kind::kMalloc;
    case 'R':
      return Kind::kRefill;
    case 'D':
      return Kind::kDeduct;
    case 'H':
      return Kind::kReclaim;
    case 'W':
      return Kind::kSweepStep;
    case 'Z':
      return Kind::kSweep;
    case 'Y':
      return Kind::kFlush;
    case 'Q':
      return Kind::kEnsureSwept;
    case 'n':
      return Kind::kDescriptor;
    case 'x':
      return Kind::kAbsorbed;
    case 'k':
      return Kind::kChunk;
    case 't':
      return Kind::kTreap;
    case 'U':
      return Kind::kUnused;
    case 'u':
      return Kind::kUsed;
    case 'v':
      return Kind::kAdvice;
    case 'm':
      return Kind::kMap;
    case 'X':
      return Kind::kUncached;
    case 'C':
      return Kind::kCheckpoint;
    case 'L':
      return Kind::kDumpList;
    case 'T':
      return Kind::kDumpTreap;
    case 'E':
      return Kind::kDumpEnd;
    case 'V':
      return Kind::kVersion;
    case 'I':
      return Kind::kInfo;
    case '.':
      return Kind::kExit;
    case ';':
      return Kind::kTrailer;
    default:
      return Kind::kUnknown;
  }
}

Kind OfTwoLetters(char a, char b) {
  if (a == 'o')
    return b == '+' ? Kind::kSystemTaken : b == '-' ? Kind::kSystemReturned : Kind::kUnknown;
  if (a == 'I') return b == '2' ? Kind::kInfo2 : Kind::kUnknown;
  if (a == 'P') {
    return b == '+'   ? Kind::kSpecialAdd
           : b == '-' ? Kind::kSpecialRemove
           : b == '!' ? Kind::kSpecialTaken
                      : Kind::kUnknown;
  }
  if (a == 'g') {
    switch (b) {
      case 'S':
        return Kind::kCycle;
      case 'P':
        return Kind::kPhase;
      case 'M':
        return Kind::kMarked;
      case 'W':
        return Kind::kSweepStart;
      case 'R':
        return Kind::kPacing;
      default:
        return Kind::kUnknown;
    }
  }
  return Kind::kUnknown;
}

void ValidateFields(Fields& fields, const char* shape) {
  for (; *shape != 0; ++shape) {
    switch (*shape) {
      case 'd':
        fields.Dec();
        break;
      case 's':
        fields.Signed();
        break;
      case 'h':
        fields.Hex();
        break;
      case 'o':
        if (!fields.Take("-")) fields.Hex();
        break;
      case 'm':
        if (!fields.Take("max")) fields.Dec();
        break;
      case 'b':
        fields.Bit();
        break;
      case 'w':
        fields.Word();
        break;
      case '*':
        while (!fields.at_end()) fields.Word();
        break;
    }
  }
}

}  // namespace

LineType TypeOf(absl::string_view line) {
  if (line.empty()) return {};
  LineType type;
  if (line.size() == 1 || line[1] == ' ') {
    type.kind = OfLetter(line[0]);
    type.length = 1;
    return type;
  }
  if (line.size() > 2 && line[2] != ' ') return {};
  type.length = 2;
  if (line[1] == '{' || line[1] == '}') {
    const Kind kind = OfLetter(line[0]);
    if (!IsOperation(kind)) return {};
    type.kind = kind;
    type.form = line[1] == '{' ? Form::kOpen : Form::kClose;
    return type;
  }
  type.kind = OfTwoLetters(line[0], line[1]);
  return type;
}

absl::string_view Letter(Kind kind) { return kShapes[static_cast<int>(kind)].letter; }

void Validate(absl::string_view line, uint64_t number) {
  const LineType type = TypeOf(line);
  if (type.kind == Kind::kUnknown) throw BadLog{number, "a line of no known kind"};
  const Shape& shape = kShapes[static_cast<int>(type.kind)];
  Fields fields(line, type.length, number);
  if (type.form != Form::kClose) ValidateFields(fields, shape.inputs);
  if (shape.results != nullptr && type.form == Form::kLine && !fields.Take("="))
    fields.Bad("the results are missing");
  if (shape.results != nullptr && type.form != Form::kOpen) ValidateFields(fields, shape.results);
  fields.End();
}

}  // namespace heapsim::sim::go110
