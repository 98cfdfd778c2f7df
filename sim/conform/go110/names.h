// The words that a log of the Go 1.10 runtime uses for the heap's enumerations.
#ifndef HEAPSIM_SIM_CONFORM_GO110_NAMES_H_
#define HEAPSIM_SIM_CONFORM_GO110_NAMES_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "heap/observer.h"
#include "heap/seams.h"

namespace heapsim::sim::go110 {

absl::string_view Name(heap::SpanKind);
absl::string_view Name(heap::FreeCause);
absl::string_view Name(heap::SpanState);
absl::string_view Name(heap::SweepCause);
absl::string_view Name(heap::RefillPath);
absl::string_view Name(heap::Advice);
absl::string_view Name(heap::SysStat);
absl::string_view Name(heap::MapArea);

// The value with that name.
std::optional<heap::SpanKind> SpanKindNamed(absl::string_view name);
std::optional<heap::FreeCause> FreeCauseNamed(absl::string_view name);
std::optional<heap::SweepCause> SweepCauseNamed(absl::string_view name);

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_NAMES_H_
