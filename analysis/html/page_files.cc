#include "analysis/html/page_files.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analysis/html/embedded.h"

namespace heapsim::analysis {
namespace {

std::string AllThatEndIn(absl::string_view ending) {
  std::string all;
  for (const EmbeddedFile& file : EmbeddedPageFiles()) {
    // The library's files are minified and come with the charts.
    if (absl::EndsWith(file.name, ending)) absl::StrAppend(&all, file.text, "\n");
  }
  return all;
}

}  // namespace

absl::string_view PageFile(absl::string_view name) {
  for (const EmbeddedFile& file : EmbeddedPageFiles()) {
    if (file.name == name) return file.text;
  }
  std::fprintf(stderr, "heapsim: %s is missing in the binary\n", std::string(name).c_str());
  std::abort();
}

std::string PageScripts() { return AllThatEndIn(".js"); }
std::string PageStyles() { return AllThatEndIn(".css"); }

}  // namespace heapsim::analysis
