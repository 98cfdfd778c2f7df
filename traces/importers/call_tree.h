// Call sites of formats whose records name whole stacks.
#ifndef HEAPSIM_TRACES_IMPORTERS_CALL_TREE_H_
#define HEAPSIM_TRACES_IMPORTERS_CALL_TREE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "traces/importers/import_sink.h"

namespace heapsim::traces {

class CallTree {
 public:
  // The sink outlives the tree.
  CallTree(ImportSink* sink, ImportSink::Process* process) : sink_(*sink), process_(*process) {}

  // The node of a stack, the innermost address first; made where it is new. 0 for an empty one.
  uint32_t Node(absl::Span<const uint64_t> stack);

  // An address that stands for a place whose recording has none: the same one for the same key.
  // What is known of it, but for the address, is kept where the key is new. Past kMaxPlaces
  // distinct keys it is 0.
  uint64_t Place(absl::string_view key, CodeFrame frame);

  static constexpr size_t kMaxNodes = 16 << 20;
  static constexpr size_t kMaxPlaces = 1 << 20;

 private:
  ImportSink& sink_;
  ImportSink::Process& process_;
  // By address and parent; looked up only, as is the next.
  absl::flat_hash_map<std::pair<uint64_t, uint32_t>, uint32_t> nodes_;
  absl::flat_hash_map<std::string, uint64_t> places_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_CALL_TREE_H_
