#include "analysis/call_site_name.h"

#include <algorithm>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace heapsim::analysis {
namespace {

constexpr int kNamedFrames = 4;

// Functions by their whole name, without arguments.
constexpr absl::string_view kAllocators[] = {
    // C.
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "strndup",
    "wcsdup",
    "asprintf",
    "vasprintf",
    // What wraps it in many programs.
    "xmalloc",
    "xcalloc",
    "xrealloc",
    "xstrdup",
    "xstrndup",
    "g_malloc",
    "g_malloc0",
    "g_malloc_n",
    "g_malloc0_n",
    "g_realloc",
    "g_realloc_n",
    "g_try_malloc",
    "g_try_malloc0",
    "g_try_realloc",
    "g_slice_alloc",
    "g_slice_alloc0",
    "g_strdup",
    "g_strndup",
    // C++.
    "operator new",
    "operator new[]",
    "std::make_unique",
    "std::make_shared",
    "std::allocate_shared",
    "std::__allocate_guarded",
    "std::__1::__libcpp_allocate",
    "std::__1::__libcpp_operator_new",
    "std::__1::__allocate_at_least",
    "std::_Vector_base::_M_allocate",
    "std::_Rb_tree::_M_get_node",
    "std::__cxx11::_List_base::_M_get_node",
    "std::_Deque_base::_M_allocate_node",
    "std::__cxx11::basic_string::_M_create",
    // Rust.
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
    "__rdl_alloc",
    "__rdl_alloc_zeroed",
    "__rdl_realloc",
    "__rg_alloc",
    "__rg_alloc_zeroed",
    "__rg_realloc",
    // jemalloc, TCMalloc, mimalloc.
    "imalloc",
    "imalloc_body",
    "do_malloc",
    "do_memalign",
    "tc_malloc",
    "tc_calloc",
    "tc_realloc",
    "tc_new",
    "tc_newarray",
    "tc_new_nothrow",
    "tc_newarray_nothrow",
    "tc_memalign",
    "tc_posix_memalign",
    "mi_malloc",
    "mi_calloc",
    "mi_zalloc",
    "mi_realloc",
    "mi_malloc_aligned",
    "mi_heap_malloc",
    "mi_heap_zalloc",
    "mi_new",
    "mi_new_n",
    "_mi_malloc_generic",
    // Go: the allocator, and the parts of the language that call it.
    "runtime.mallocgc",
    "runtime.newobject",
    "runtime.newarray",
    "runtime.makeslice",
    "runtime.makeslice64",
    "runtime.makeslicecopy",
    "runtime.growslice",
    "runtime.rawstring",
    "runtime.rawstringtmp",
    "runtime.rawbyteslice",
    "runtime.rawruneslice",
    "runtime.slicebytetostring",
    "runtime.slicerunetostring",
    "runtime.stringtoslicebyte",
    "runtime.stringtoslicerune",
    "runtime.intstring",
    "runtime.makechan",
    "runtime.makechan64",
    "runtime.makemap",
    "runtime.makemap64",
    "runtime.makemap_small",
    "runtime.makeBucketArray",
    "runtime.hashGrow",
    "runtime.mapassign",
    "runtime.(*hmap).newoverflow",
    "runtime.(*mcache).refill",
    "runtime.(*mcache).nextFree",
    "runtime.profilealloc",
    "runtime.tracealloc",
    "runtime.largeAlloc",
    "reflect.unsafe_New",
    "reflect.unsafe_NewArray",
};

// And those that begin so.
constexpr absl::string_view kAllocatorHeads[] = {
    "std::allocator::",
    "std::allocator_traits::",
    "std::__new_allocator::",
    "std::__1::allocator::",
    "std::__1::allocator_traits::",
    "std::pmr::",
    "__gnu_cxx::new_allocator::",
    "__gnu_cxx::malloc_allocator::",
    "__gnu_cxx::__alloc_traits::",
    "std::__detail::_Hashtable_alloc::",
    "alloc::alloc::",
    "alloc::raw_vec::",
    "je_",
    "__je_",
    "tcmalloc::",
    "runtime.convT",
    "runtime.concatstring",
    "runtime.mapassign_",
};

// What a libc, a linker's option or a sanitizer puts before a name.
constexpr absl::string_view kWraps[] = {"__GI_", "__libc_", "__interceptor_", "__wrap_"};

// A name without template and function arguments, a symbol's version, and a return type's blank:
// "operator new[](unsigned long)" is "operator new[]".
std::string BareName(absl::string_view name) {
  std::string bare;
  int depth = 0;
  for (const char c : name) {
    if (c == '(' || c == '<') {
      ++depth;
    } else if (c == ')' || c == '>') {
      depth = std::max(0, depth - 1);
    } else if (c == '@' && depth == 0) {
      break;
    } else if (depth == 0) {
      bare += c;
    }
  }
  return bare;
}

// "f(int, char) const" as "f()": as demangled names are.
std::string WithoutArguments(const std::string& name) {
  absl::string_view text = name;
  absl::ConsumeSuffix(&text, " const");
  if (!absl::EndsWith(text, ")")) return name;
  const size_t open = text.find_last_of("()", text.size() - 2);
  if (open == absl::string_view::npos || text[open] != '(' ||
      absl::StartsWith(text.substr(open), "(anonymous")) {
    return name;
  }
  return absl::StrCat(text.substr(0, open), "()");
}

bool IsListed(absl::string_view name) {
  return absl::c_linear_search(kAllocators, name) ||
         absl::c_any_of(kAllocatorHeads,
                        [&](absl::string_view head) { return absl::StartsWith(name, head); });
}

}  // namespace

bool IsAllocatorFrame(absl::string_view name) {
  if (IsListed(name)) return true;  // Go's names have parentheses of their own
  const std::string bare = BareName(name);
  absl::string_view text = bare;
  absl::ConsumePrefix(&text, "::");  // what was in an anonymous namespace
  for (const absl::string_view wrap : kWraps) absl::ConsumePrefix(&text, wrap);
  return IsListed(text);
}

int FirstOwnFrame(const proto::CallSite& site) {
  for (int i = 0; i < site.frames_size(); ++i) {
    if (!IsAllocatorFrame(site.frames(i))) return i;
  }
  return 0;
}

std::string FrameText(const proto::CallSite& site, int frame) {
  const std::string name = WithoutArguments(site.frames(frame));
  if (frame >= site.frame_files_size() || site.frame_files(frame).empty()) return name;
  const std::string& file = site.frame_files(frame);
  const size_t slash = file.rfind('/');
  const absl::string_view base =
      slash == std::string::npos ? file : absl::string_view(file).substr(slash + 1);
  const uint32_t line = frame < site.frame_lines_size() ? site.frame_lines(frame) : 0;
  return line == 0 ? absl::StrCat(name, " (", base, ")")
                   : absl::StrCat(name, " (", base, ":", line, ")");
}

std::string SiteName(const proto::CallSite& site) {
  const int first = FirstOwnFrame(site);
  const int past = std::min(site.frames_size(), first + kNamedFrames);
  if (past == 0) return absl::StrCat("call site ", site.id());
  std::vector<std::string> frames;
  for (int i = first; i < past; ++i) frames.push_back(FrameText(site, i));
  return absl::StrJoin(frames, " < ");
}

}  // namespace heapsim::analysis
