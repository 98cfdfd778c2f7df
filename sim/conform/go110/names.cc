#include "sim/conform/go110/names.h"

#include <cstddef>

namespace heapsim::sim::go110 {
namespace {

// In the order of the enumerations.
constexpr absl::string_view kSpanKinds[] = {"g", "s", "w"};
constexpr absl::string_view kFreeCauses[] = {"trim", "grow", "small", "large", "stack", "wbuf"};
constexpr absl::string_view kSpanStates[] = {"dead", "inuse", "manual", "free"};
constexpr absl::string_view kSweepCauses[] = {"bg", "deduct", "reclaim", "stw",
                                              "GC", "start",  "eager"};
constexpr absl::string_view kRefillPaths[] = {"nonempty", "nonempty-sweep", "empty-sweep", "grow"};
constexpr absl::string_view kAdvices[] = {"dontneed", "free", "huge", "nohuge"};
constexpr absl::string_view kSysStats[] = {"heap_sys",     "stacks_sys", "mspan_sys", "mcache_sys",
                                           "buckhash_sys", "gc_sys",     "other_sys"};
constexpr absl::string_view kMapAreas[] = {"arena", "spans", "bitmap"};

template <typename Enum, size_t n>
absl::string_view At(const absl::string_view (&names)[n], Enum value) {
  const size_t i = static_cast<size_t>(value);
  return i < n ? names[i] : absl::string_view("?");
}

template <typename Enum, size_t n>
std::optional<Enum> Find(const absl::string_view (&names)[n], absl::string_view name) {
  for (size_t i = 0; i < n; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

absl::string_view Name(heap::SpanKind v) { return At(kSpanKinds, v); }
absl::string_view Name(heap::FreeCause v) { return At(kFreeCauses, v); }
absl::string_view Name(heap::SpanState v) { return At(kSpanStates, v); }
absl::string_view Name(heap::SweepCause v) { return At(kSweepCauses, v); }
absl::string_view Name(heap::RefillPath v) { return At(kRefillPaths, v); }
absl::string_view Name(heap::Advice v) { return At(kAdvices, v); }
absl::string_view Name(heap::SysStat v) { return At(kSysStats, v); }
absl::string_view Name(heap::MapArea v) { return At(kMapAreas, v); }

std::optional<heap::SpanKind> SpanKindNamed(absl::string_view name) {
  return Find<heap::SpanKind>(kSpanKinds, name);
}
std::optional<heap::FreeCause> FreeCauseNamed(absl::string_view name) {
  return Find<heap::FreeCause>(kFreeCauses, name);
}
std::optional<heap::SweepCause> SweepCauseNamed(absl::string_view name) {
  return Find<heap::SweepCause>(kSweepCauses, name);
}

}  // namespace heapsim::sim::go110
