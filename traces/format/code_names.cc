#include "traces/format/code_names.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "traces/format/printable.h"

namespace heapsim::traces {
namespace {

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string CodeFrame::Name() const {
  if (!function.empty()) return function;
  if (module.empty()) return absl::StrCat("0x", absl::Hex(address));
  const absl::string_view base = BaseName(module);
  if (!module_offset.has_value()) return std::string(base);
  return absl::StrCat(base, "+0x", absl::Hex(*module_offset));
}

absl::Status CodeNames::Check(const proto::CodeMap& map, size_t* bytes) const {
  for (const std::string& name : map.strings()) {
    if (name.size() > kMaxNameBytes) {
      return absl::DataLossError(absl::StrCat("a name of more than ", kMaxNameBytes, " bytes"));
    }
    *bytes += CodeNameBytes(name.size());
  }
  for (const proto::CodePlace& place : map.places()) {
    *bytes += CodePlaceBytes(static_cast<size_t>(place.function_size()));
  }
  if (bytes_ + *bytes > kMaxCodeBytes) {
    return absl::DataLossError("more names of code than a trace may have");
  }
  const uint64_t strings = string_count_ + static_cast<uint64_t>(map.strings_size());
  const auto known = [&](uint32_t number) { return number <= strings; };
  const size_t mapped =
      static_cast<size_t>(map.modules_size()) + (map.forget_modules() ? 0 : module_count_);
  if (mapped > kMaxModules) {
    return absl::DataLossError(absl::StrCat("more than ", kMaxModules, " modules"));
  }
  if (map.modules_size() > 0 && module_entries_ + mapped > kMaxModuleEntries) {
    return absl::DataLossError("modules that change too often");
  }
  for (const proto::CodeModule& module : map.modules()) {
    if (!known(module.name())) return absl::DataLossError("a module's name that is not there");
    if (module.begin() > module.end()) return absl::DataLossError("a module that ends first");
  }
  for (const proto::CodePlace& place : map.places()) {
    if (place.file_size() != place.function_size() || place.line_size() != place.function_size()) {
      return absl::DataLossError("a place whose lists differ in length");
    }
    if (!known(place.module()) ||
        !std::all_of(place.function().begin(), place.function().end(), known) ||
        !std::all_of(place.file().begin(), place.file().end(), known)) {
      return absl::DataLossError("a name that is not there");
    }
  }
  return absl::OkStatus();
}

absl::Status CodeNames::Add(uint32_t first_node, const proto::CodeMap& map, bool keep) {
  size_t bytes = 0;
  if (absl::Status s = Check(map, &bytes); !s.ok()) return s;
  bytes_ += bytes;
  string_count_ += static_cast<uint64_t>(map.strings_size());
  if (map.forget_modules()) module_count_ = 0;
  module_count_ += static_cast<size_t>(map.modules_size());
  if (!map.modules().empty()) module_entries_ += module_count_;
  if (!keep) return absl::OkStatus();

  strings_.insert(strings_.end(), map.strings().begin(), map.strings().end());
  const auto number = static_cast<uint32_t>(maps_.size());
  Map& added = maps_.emplace_back();
  added.first_node = first_node;
  added.places.assign(map.places().begin(), map.places().end());
  for (uint32_t i = 0; i < added.places.size(); ++i) {
    places_[added.places[i].address()].push_back({number, i});
  }
  if (!map.forget_modules() && map.modules().empty()) return absl::OkStatus();
  if (!map.forget_modules() && !module_maps_.empty()) {
    added.modules = maps_[module_maps_.back()].modules;
  }
  for (const proto::CodeModule& module : map.modules()) {
    added.modules.push_back({module.begin(), module.end(), module.bias(), module.name()});
  }
  std::stable_sort(added.modules.begin(), added.modules.end(),
                   [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  module_maps_.push_back(number);
  return absl::OkStatus();
}

std::string CodeNames::String(uint32_t number) const {
  return number == 0 ? "" : Printable(strings_[number - 1]);
}

const CodeNames::PlaceAt* CodeNames::FindPlace(uint32_t node, uint64_t address) const {
  const auto found = places_.find(address);
  if (found == places_.end()) return nullptr;
  const std::vector<PlaceAt>& all = found->second;
  // Places of one address rise with the nodes; the last one that holds already.
  const auto later = std::upper_bound(all.begin(), all.end(), node, [&](uint32_t n, PlaceAt at) {
    return n < maps_[at.map].first_node;
  });
  return later == all.begin() ? nullptr : &*(later - 1);
}

const CodeNames::Stretch* CodeNames::FindModule(uint32_t node, uint64_t address) const {
  const auto later =
      std::upper_bound(module_maps_.begin(), module_maps_.end(), node,
                       [&](uint32_t n, uint32_t map) { return n < maps_[map].first_node; });
  if (later == module_maps_.begin()) return nullptr;
  const std::vector<Stretch>& modules = maps_[*(later - 1)].modules;
  const auto behind = std::upper_bound(modules.begin(), modules.end(), address,
                                       [](uint64_t a, const Stretch& s) { return a < s.begin; });
  if (behind == modules.begin() || address >= (behind - 1)->end) return nullptr;
  return &*(behind - 1);
}

CodeNames::Origin CodeNames::OriginOf(uint32_t node, uint64_t address) const {
  Origin origin;
  if (const PlaceAt* at = FindPlace(node, address); at != nullptr) {
    origin.has_place = true;
    origin.map = at->map;
    origin.place = at->place;
  }
  if (const Stretch* module = FindModule(node, address); module != nullptr) {
    origin.has_module = true;
    origin.module = module->name;
    origin.bias = module->bias;
  }
  return origin;
}

std::vector<CodeFrame> CodeNames::FramesOf(uint32_t node, uint64_t address) const {
  const Origin origin = OriginOf(node, address);
  const proto::CodePlace none;
  const proto::CodePlace& place = origin.has_place ? maps_[origin.map].places[origin.place] : none;
  CodeFrame outer;
  outer.address = address;
  if (place.module() != 0) {
    outer.module = String(place.module());
    if (place.has_module_offset()) outer.module_offset = place.module_offset();
  } else if (origin.has_module) {
    outer.module = String(origin.module);
    outer.module_offset = address - origin.bias;
  }
  if (place.function().empty()) return {outer};
  std::vector<CodeFrame> frames(static_cast<size_t>(place.function_size()), outer);
  for (int i = 0; i < place.function_size(); ++i) {
    CodeFrame& frame = frames[static_cast<size_t>(i)];
    frame.function = String(place.function(i));
    frame.file = String(place.file(i));
    frame.line = place.line(i);
  }
  return frames;
}

}  // namespace heapsim::traces
