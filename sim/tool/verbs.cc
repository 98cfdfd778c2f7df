#include "sim/tool/check_verb.h"
#include "sim/tool/compare_task_verb.h"
#include "sim/tool/compare_verb.h"
#include "sim/tool/conform_verb.h"
#include "sim/tool/explain_verb.h"
#include "sim/tool/formats_verb.h"
#include "sim/tool/import_verb.h"
#include "sim/tool/info_verb.h"
#include "sim/tool/policies_verb.h"
#include "sim/tool/record_verb.h"
#include "sim/tool/replay_verb.h"
#include "sim/tool/transform_verbs.h"
#include "sim/tool/verb.h"

namespace heapsim::sim {

absl::Span<const VerbEntry> Verbs() {
  static constexpr VerbEntry kVerbs[] = {
      {"replay", "replays a trace through one policy", MakeReplayVerb},
      {"compare", "replays traces through several policies and compares them", MakeCompareVerb},
      {"check", "holds a replay to limits and a baseline, for CI", MakeCheckVerb},
      {"explain", "tells why RSS is what it is: leak, retention or fragmentation, and whose",
       MakeExplainVerb},
      {"info", "counts and peaks of a trace", MakeInfoVerb},
      {"import", "turns a recording of any known format into a .htrace", MakeImportVerb},
      {"record", "runs a command and records what it allocates", MakeRecordVerb},
      {"slice", "cuts events out of a trace", MakeSliceVerb},
      {"merge", "runs several traces as one process", MakeMergeVerb},
      {"loop", "repeats a trace", MakeLoopVerb},
      {"scale", "multiplies sizes, time or objects of a trace", MakeScaleVerb},
      {"anonymize", "drops what tells whose trace it is", MakeAnonymizeVerb},
      {"export", "writes a trace in a foreign format", MakeExportVerb},
      {"generate", "makes a synthetic trace by seed", MakeGenerateVerb},
      {"conform", "checks the heap against logs of the real Go runtime", MakeConformVerb},
      {"policies", "lists the policies, or the settings of one", MakePoliciesVerb},
      {"formats", "lists the trace formats", MakeFormatsVerb},
      {"compare-task", "", MakeCompareTaskVerb},
  };
  return kVerbs;
}

}  // namespace heapsim::sim
