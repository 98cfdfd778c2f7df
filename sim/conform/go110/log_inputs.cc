#include "sim/conform/go110/log_inputs.h"

#include <optional>

#include "sim/conform/fields.h"
#include "sim/conform/go110/line.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {

int64_t LogClock::Now() {
  for (size_t ahead = 0;; ++ahead) {
    const std::optional<absl::string_view> line = cursor_->Peek(ahead);
    if (!line.has_value()) throw BadLog{cursor_->number() + ahead, "the log ends inside a free"};
    const LineType type = TypeOf(*line);
    if (type.kind != Kind::kSpanFree || type.form == Form::kOpen) continue;
    size_t results = type.length;
    if (type.form == Form::kLine) {
      results = line->find(" = ");
      if (results == absl::string_view::npos)
        throw BadLog{cursor_->number() + ahead, "the results are missing"};
      results += 2;
    }
    const uint64_t now = Fields(*line, results, cursor_->number() + ahead).Dec();
    if (now > uint64_t{INT64_MAX}) throw BadLog{cursor_->number() + ahead, "an impossible time"};
    return static_cast<int64_t>(now);
  }
}

uint32_t LogRandom::Next() {
  // A chunk for the node may have been taken before, or may still come.
  for (size_t ahead = 0; ahead < 2; ++ahead) {
    const std::optional<absl::string_view> line = cursor_->Peek(ahead);
    if (!line.has_value()) break;
    const LineType type = TypeOf(*line);
    if (type.kind != Kind::kTreap) continue;
    Fields fields(*line, type.length, cursor_->number() + ahead);
    fields.Hex();
    fields.Dec();
    const uint64_t priority = fields.Dec();
    if (priority > UINT32_MAX) fields.Bad("a priority of more than 32 bits");
    return static_cast<uint32_t>(priority);
  }
  return 0;
}

void LogMarker::Set(absl::string_view hex, uint32_t slots, uint64_t line) {
  words_.assign((slots + 63) / 64, 0);
  if (hex == "0") return;
  if (hex.size() % 2 != 0 || hex.size() / 2 > words_.size() * 8)
    throw BadLog{line, "garbled mark bits"};
  for (size_t i = 0; i < hex.size() / 2; ++i) {
    const int high = Fields::HexDigit(hex[2 * i]), low = Fields::HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) throw BadLog{line, "garbled mark bits"};
    words_[i / 8] |= static_cast<uint64_t>(high << 4 | low) << (i % 8 * 8);
  }
  if (slots % 64 != 0 && words_.back() >> (slots % 64) != 0)
    throw BadLog{line, "a mark beyond the last slot"};
}

void LogMarker::Marks(heap::SpanId, uint64_t, uint32_t slots, const uint64_t*, uint64_t* marks) {
  for (uint32_t i = 0; i < (slots + 63) / 64; ++i) marks[i] = i < words_.size() ? words_[i] : 0;
}

}  // namespace heapsim::sim::go110
