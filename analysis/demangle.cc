#include "analysis/demangle.h"

#include <algorithm>
#include <array>

#include "absl/debugging/internal/demangle.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace heapsim::analysis {
namespace {

constexpr size_t kMaxReadable = 1024;

// The compiler's own demangler (abi::__cxa_demangle) writes out what a name refers back to, and
// what that refers to: a name of 300 bytes can ask for gigabytes. Abseil's takes a buffer and a
// number of steps, and leaves out what such names are about.
bool Demangle(const std::string& mangled, std::string* readable) {
  std::array<char, kMaxReadable> out;
  if (!absl::debugging_internal::Demangle(mangled.c_str(), out.data(), out.size())) return false;
  *readable = out.data();
  return !readable->empty();
}

// Rust's older mangling ends names with a hash: "::h" and 16 digits.
void DropHash(std::string* name) {
  constexpr size_t kLength = 3 + 16;
  if (name->size() <= kLength) return;
  const absl::string_view tail = absl::string_view(*name).substr(name->size() - kLength);
  if (!absl::StartsWith(tail, "::h") || !std::all_of(tail.begin() + 3, tail.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      })) {
    return;
  }
  name->resize(name->size() - kLength);
}

}  // namespace

std::string DemangledName(absl::string_view name) {
  std::string mangled(name);
  if (!absl::StartsWith(name, "_Z")) return mangled;
  std::string readable;
  // Abseil's does not know the tag of the newer strings of libstdc++.
  if (!Demangle(mangled, &readable) &&
      !Demangle(absl::StrReplaceAll(mangled, {{"B5cxx11", ""}}), &readable)) {
    return mangled;
  }
  DropHash(&readable);
  return readable;
}

}  // namespace heapsim::analysis
