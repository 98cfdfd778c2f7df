#include "sim/policies/size_class_table.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "heap/classes/jemalloc.h"
#include "heap/classes/powers_of_two.h"
#include "heap/classes/tcmalloc.h"

namespace heapsim::sim {
namespace {

absl::StatusOr<heap::SizeClasses> GivenTable(const proto::Policy& policy) {
  std::vector<heap::SizeClass> rows;
  for (const proto::SizeClass& row : policy.size_class_table()) {
    rows.push_back({static_cast<uint32_t>(std::max(row.slot_bytes(), 0)),
                    static_cast<uint32_t>(std::max(row.span_pages(), 0)), 0});
  }
  absl::StatusOr<heap::SizeClasses> classes = heap::SizeClasses::Make(rows);
  if (!classes.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("setting size_class_table: ", classes.status().message(),
                     ", as in size_class_table=16/1,32/1,512/2 (slot bytes / span pages)"));
  }
  return classes;
}

}  // namespace

absl::StatusOr<heap::SizeClasses> SizeClassTable(const proto::Policy& policy) {
  switch (policy.size_classes()) {
    case proto::SIZE_CLASSES_GO:
      break;
    case proto::SIZE_CLASSES_TCMALLOC:
      return heap::TcmallocClasses();
    case proto::SIZE_CLASSES_JEMALLOC:
      return heap::JemallocClasses();
    case proto::SIZE_CLASSES_POWERS_OF_TWO:
      return heap::PowersOfTwo();
    case proto::SIZE_CLASSES_TABLE:
      return GivenTable(policy);
  }
  return heap::SizeClasses::Go110();
}

}  // namespace heapsim::sim
