// Collects what is known of code addresses for a `.htrace`, each name once and in bounded memory.
#ifndef HEAPSIM_TRACES_FORMAT_CODE_MAP_BUILDER_H_
#define HEAPSIM_TRACES_FORMAT_CODE_MAP_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/trace.pb.h"
#include "traces/format/code_names.h"

namespace heapsim::traces {

class CodeMapBuilder {
 public:
  // Bytes of all names, at most: those after it are left out.
  explicit CodeMapBuilder(size_t limit = kMaxCodeBytes) : limit_(limit) {}

  // Everything said of modules before does not hold from here on.
  void ForgetModules();
  void AddModule(absl::string_view name, uint64_t begin, uint64_t end, uint64_t bias);
  // All frames are at one address, the innermost first; module and offset are those of the first.
  void AddPlace(absl::Span<const CodeFrame> frames);

  // What was said since the last call, in pieces that fit into a frame; empty: nothing.
  std::vector<proto::CodeMap> Take();

  // Names were left out.
  bool full() const { return full_; }

 private:
  // A map with room for one more thing.
  proto::CodeMap& Current();
  uint32_t String(absl::string_view name);

  const size_t limit_;
  size_t used_ = 0;
  bool full_ = false;
  size_t modules_ = 0;         // that are mapped
  size_t module_entries_ = 0;  // as a reader counts them
  bool listing_ = false;       // the last map lists modules
  absl::flat_hash_map<std::string, uint32_t> numbers_;
  std::vector<proto::CodeMap> pending_;
  size_t pending_bytes_ = 0;  // of the last one, about
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_CODE_MAP_BUILDER_H_
