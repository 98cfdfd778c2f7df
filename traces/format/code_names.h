// What a trace tells about the code at the addresses of its call sites.
#ifndef HEAPSIM_TRACES_FORMAT_CODE_NAMES_H_
#define HEAPSIM_TRACES_FORMAT_CODE_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/trace.pb.h"

namespace heapsim::traces {

// Bytes of a name in a file, at most.
inline constexpr size_t kMaxNameBytes = 4096;
// Modules that are mapped at a time, at most.
inline constexpr size_t kMaxModules = 65536;
// The lengths of all lists of modules that a trace goes through, at most.
inline constexpr size_t kMaxModuleEntries = 4 << 20;

// What all names and places of a process may take, about, and what each is taken to need.
inline constexpr size_t kMaxCodeBytes = 64 << 20;
inline constexpr size_t CodeNameBytes(size_t length) { return length + 64; }
inline constexpr size_t CodePlaceBytes(size_t frames) { return 48 + 16 * frames; }

// A function, as far as it is known: what is not is empty or 0. All text is printable.
struct CodeFrame {
  uint64_t address = 0;
  std::string module;
  std::optional<uint64_t> module_offset;
  std::string function;
  std::string file;
  uint32_t line = 0;

  // "function", "libx.so+0x12ab", "libx.so" or "0x7f0012ab": the first that is known.
  std::string Name() const;
};

class CodeNames {
 public:
  // Takes a map that holds for the nodes from `first_node` on, which never falls. Without `keep` it
  // is checked only. An error says what makes no sense in it.
  absl::Status Add(uint32_t first_node, const proto::CodeMap& map, bool keep);

  // The functions at a node's address from the innermost out; one at least.
  std::vector<CodeFrame> FramesOf(uint32_t node, uint64_t address) const;

  // Where FramesOf has what it says from. Equal: it says the same of the address.
  struct Origin {
    bool has_place = false, has_module = false;
    uint32_t map = 0, place = 0;  // of the place
    uint32_t module = 0;          // its name
    uint64_t bias = 0;
    bool operator==(const Origin&) const = default;
  };
  Origin OriginOf(uint32_t node, uint64_t address) const;

 private:
  struct Stretch {
    uint64_t begin, end, bias;
    uint32_t name;
  };
  // What holds from a node on.
  struct Map {
    uint32_t first_node;
    std::vector<proto::CodePlace> places;
    std::vector<Stretch> modules;  // all that are mapped, by `begin`
  };
  // A place of a map, by index.
  struct PlaceAt {
    uint32_t map, place;
  };

  absl::Status Check(const proto::CodeMap& map, size_t* bytes) const;
  std::string String(uint32_t number) const;
  const PlaceAt* FindPlace(uint32_t node, uint64_t address) const;
  const Stretch* FindModule(uint32_t node, uint64_t address) const;

  uint64_t string_count_ = 0;
  size_t bytes_ = 0;           // of all names and places, as kMaxCodeBytes counts
  size_t module_count_ = 0;    // of those that are mapped
  size_t module_entries_ = 0;  // over all lists
  std::vector<std::string> strings_;
  std::vector<Map> maps_;
  // Looked up only. In the order of the maps.
  absl::flat_hash_map<uint64_t, std::vector<PlaceAt>> places_;
  // Maps that changed the modules, in order.
  std::vector<uint32_t> module_maps_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_CODE_NAMES_H_
