#include "sim/conform/go119/log_os.h"

#include <optional>

#include "heap/pages/go119/layout.h"
#include "sim/conform/fields.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go119 {
namespace {

constexpr absl::string_view kAdvice[] = {"dontneed", "free", "huge", "nohuge"};

}  // namespace

heap::Address LogOs::Table(heap::Bytes length) {
  const heap::Address a = next_table_;
  next_table_ = a + heap::Bytes(heap::RoundUp(length.v, 64 << 10));
  return a;
}

heap::Address LogOs::Reserve(heap::Address hint, heap::Bytes length) {
  // The allocator's tables are reserved before the log begins.
  if (lines_ == nullptr) return hint.is_null() ? Table(length) : hint;

  const bool any = hint.is_null();
  Expected line(Kind::kReserve);
  line.Owner(lines_->owner());
  if (any) {
    line.Word("want", "any").Hex("len", length.v).Skip("got").Skip("len2");
  } else {
    line.Offset("want", hint).Hex("len", length.v).Skip("got");
  }
  lines_->Push(line);
  if (!written_) return hint;

  const std::string owner = WorkerText(lines_->owner());
  for (;;) {
    const std::optional<absl::string_view> text = cursor_->Peek(++ahead_);
    // Without its line, which will be missed: as if it had been given.
    if (!text.has_value()) return hint;
    const LineType type = TypeOf(*text);
    if (type.kind != Kind::kReserve && type.kind != Kind::kGrow) continue;
    Fields fields(*text, type.length, cursor_->number() + ahead_);
    if (!fields.Take(owner)) continue;
    if (type.kind == Kind::kGrow) {
      if (type.form == Form::kClose) return hint;
      continue;
    }
    if (fields.Take("any") != any) return hint;
    if (!any) fields.Hex();
    if (fields.Hex() != length.v) return hint;
    if (fields.Take("-")) return heap::Address();
    const uint64_t offset = fields.Hex();
    const heap::Address got = header_->base + heap::Bytes(offset);
    const heap::Bytes size(any ? fields.Hex() : length.v);
    fields.End();
    if (!any && got != hint) fields.Bad("another place than was asked for is not given back");
    if (offset >= heap::go119::kIndexOffset || offset % heap::go119::kArenaBytes.v != 0 ||
        size != length || (got + size).v > heap::go119::kIndexOffset) {
      fields.Bad("an impossible place");
    }
    const heap::Address behind = given_.AtOrAbove(got);
    if (!behind.is_null() && behind < got + size) fields.Bad("a place that is taken");
    given_.Add({got, got + size});
    return got;
  }
}

bool LogOs::Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) {
  lines_->Push(Expected(Kind::kAdvice)
                   .Owner(lines_->proc())
                   .Offset("offset", begin)
                   .Hex("len", length.v)
                   .Word("advice", kAdvice[static_cast<int>(advice)]));
  return true;
}

}  // namespace heapsim::sim::go119
