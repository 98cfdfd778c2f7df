#include "sim/tool/conform_verb.h"
#include "sim/tool/policies_verb.h"
#include "sim/tool/verb.h"

namespace heapsim::sim {

absl::Span<const VerbEntry> Verbs() {
  static constexpr VerbEntry kVerbs[] = {
      {"conform", "checks the heap against logs of the real Go runtime", MakeConformVerb},
      {"policies", "lists the policies, or the settings of one", MakePoliciesVerb},
  };
  return kVerbs;
}

}  // namespace heapsim::sim
