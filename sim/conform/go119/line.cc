#include "sim/conform/go119/line.h"

#include "sim/conform/fields.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go119 {
namespace {

// Fields: d decimal, m decimal or "max", h hexadecimal, a hexadecimal or "-" or "max" (an address),
// t hexadecimal or "*", p a processor or "-", s a scavenger, b bit, w word; * any number of words;
// ? an optional decimal, ~ an optional address, r what a reservation asks for and gets. Inputs and
// results apart, for the one-line form and the block's ends; results null: there are none.
struct Shape {
  Kind kind;
  absl::string_view letter;
  const char* inputs;
  const char* results = nullptr;
  const char* closing = nullptr;  // null: the kind has no block
};

constexpr Shape kShapes[] = {
    {Kind::kUnknown, "?", ""},
    {Kind::kAlloc, "A", "pdwd", "adbw~", "padbw"},
    {Kind::kRefill, "R", "p", "ahhaw"},
    {Kind::kSearch, "P", "pd", "adaw"},
    {Kind::kGrow, "G", "pdh", "", "phhh"},
    {Kind::kReserve, "r", "pr"},
    {Kind::kMap, "m", "pwhh"},
    {Kind::kRange, "W", "phh", "a"},
    {Kind::kDecide, "d", "p", "dddhm"},
    {Kind::kLimiterOn, "L", "p"},
    {Kind::kScavenge, "S", "sm", "d", "sd"},
    {Kind::kLook, "i", "s", "adab"},
    {Kind::kStep, "s", "spam", "w", "sada"},
    {Kind::kLimiterStops, "x", "s"},
    {Kind::kAdvice, "v", "phhw"},
    {Kind::kFree, "F", "hdw", "a"},
    {Kind::kFlush, "Q", "p", "ahha"},
    {Kind::kProcs, "N", "dd"},
    {Kind::kMappedMore, "o+", "h"},
    {Kind::kMappedLess, "o-", "h"},
    {Kind::kLimit, "l", "m"},
    {Kind::kAsk, "b", "d", "dmdmw"},
    {Kind::kSlept, "k", "hdd", "dhdw"},
    {Kind::kHeapInUse, "h", "d", "d"},
    {Kind::kGoals, "g", "ddm", "dddmm"},
    {Kind::kCheckpoint, "C", "ddddddddddddddhhaabdddd?"},
    {Kind::kDumpCache, "q", "phhh"},
    {Kind::kDumpRange, "n", "hh"},
    {Kind::kDumpChunks, "K", "hdbtt"},
    {Kind::kDumpEnd, "E", ""},
    {Kind::kVersion, "V", "*"},
    {Kind::kInfo, "I", "*"},
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
  for (const Shape& shape : kShapes) {
    if (shape.letter.size() == 1 && shape.letter[0] == c) return shape.kind;
  }
  return Kind::kUnknown;
}

// Kinds by letter, since this is asked of every line.
struct Letters {
  Kind kinds[128] = {};
  Letters() {
    for (int c = 1; c < 128; ++c) kinds[c] = OfLetter(static_cast<char>(c));
    kinds[static_cast<int>('?')] = Kind::kUnknown;
  }
};

Kind ByLetter(char c) {
  static const Letters letters;
  const unsigned char u = static_cast<unsigned char>(c);
  return u < 128 ? letters.kinds[u] : Kind::kUnknown;
}

void HexDigits(Fields& fields) {
  const absl::string_view word = fields.Word();
  for (const char c : word) {
    if (Fields::HexDigit(c) < 0) fields.Bad("a hexadecimal number is garbled");
  }
}

void ValidateField(Fields& fields, char type) {
  switch (type) {
    case 'd':
      fields.Dec();
      return;
    case 'm':
      if (!fields.Take("max")) fields.Dec();
      return;
    case 'h':
      fields.Hex();
      return;
    case 'a':
      if (!fields.Take("-") && !fields.Take("max")) fields.Hex();
      return;
    case 't':
      if (!fields.Take("*")) HexDigits(fields);
      return;
    case 'p':
      if (!fields.Take("-")) fields.Dec();
      return;
    case 's':
      if (!fields.Take("-") && !fields.Take("bg") && !fields.Take("force")) fields.Dec();
      return;
    case 'b':
      fields.Bit();
      return;
    case 'w':
      fields.Word();
      return;
    case 'r':  // the two forms of a reservation
      if (fields.Take("any")) {
        fields.Hex(), fields.Hex(), fields.Hex();
        return;
      }
      fields.Hex(), fields.Hex();
      if (!fields.Take("-")) fields.Hex();
      return;
    case '~':
      if (!fields.at_end()) ValidateField(fields, 'a');
      return;
    case '?':
      if (!fields.at_end()) fields.Dec();
      return;
    case '*':
      while (!fields.at_end()) fields.Word();
      return;
  }
}

void ValidateFields(Fields& fields, const char* shape) {
  for (; *shape != 0; ++shape) ValidateField(fields, *shape);
}

}  // namespace

LineType TypeOf(absl::string_view line) {
  if (line.empty()) return {};
  LineType type;
  if (line.size() == 1 || line[1] == ' ') {
    type.kind = ByLetter(line[0]);
    type.length = 1;
    return type;
  }
  if (line.size() > 2 && line[2] != ' ') return {};
  type.length = 2;
  if (line[1] == '{' || line[1] == '}') {
    const Kind kind = ByLetter(line[0]);
    if (kShapes[static_cast<int>(kind)].closing == nullptr) return {};
    type.kind = kind;
    type.form = line[1] == '{' ? Form::kOpen : Form::kClose;
    return type;
  }
  if (line[0] == 'o') {
    type.kind = line[1] == '+'   ? Kind::kMappedMore
                : line[1] == '-' ? Kind::kMappedLess
                                 : Kind::kUnknown;
  }
  return type;
}

absl::string_view Letter(Kind kind) { return kShapes[static_cast<int>(kind)].letter; }

void Validate(absl::string_view line, uint64_t number) {
  const LineType type = TypeOf(line);
  if (type.kind == Kind::kUnknown) throw BadLog{number, "a line of no known kind"};
  const Shape& shape = kShapes[static_cast<int>(type.kind)];
  Fields fields(line, type.length, number);
  if (type.form == Form::kClose) {
    ValidateFields(fields, shape.closing);
  } else {
    ValidateFields(fields, shape.inputs);
    if (shape.results != nullptr && type.form == Form::kLine) {
      if (!fields.Take("=")) fields.Bad("the results are missing");
      ValidateFields(fields, shape.results);
    }
  }
  fields.End();
}

}  // namespace heapsim::sim::go119
