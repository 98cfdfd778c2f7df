#include "analysis/call_site_name.h"

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

proto::CallSite Site(const std::vector<std::string>& frames) {
  proto::CallSite site;
  site.set_id(7);
  for (const std::string& frame : frames) site.add_frames(frame);
  return site;
}

TEST(IsAllocatorFrame, KnowsItByAnyOfItsNames) {
  for (const char* name :
       {"malloc",
        "__libc_malloc",
        "__GI___libc_malloc",
        "malloc@@GLIBC_2.2.5",
        "__interceptor_realloc",
        "operator new()",
        "operator new[](unsigned long)",
        "operator new(unsigned long, std::align_val_t)",
        "std::allocator<int>::allocate(unsigned long)",
        "std::allocator_traits<std::allocator<std::pair<int, char> > "
        ">::allocate(std::allocator<int>&)",
        "__gnu_cxx::new_allocator<>::allocate()",
        "std::__detail::_Hashtable_alloc<>::_M_allocate_node<>()",
        "std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
        "std::make_unique<Foo>(int&&)",
        "(anonymous namespace)::do_malloc(unsigned long)",
        "je_malloc_default",
        "tcmalloc::CentralFreeList::Populate()",
        "runtime.mallocgc",
        "runtime.growslice",
        "runtime.(*hmap).newoverflow",
        "runtime.concatstring3",
        "runtime.mapassign_faststr",
        "runtime.convT2Estring",
        "alloc::alloc::exchange_malloc",
        "alloc::raw_vec::RawVec<T,A>::allocate_in"}) {
    EXPECT_TRUE(IsAllocatorFrame(name)) << name;
  }
  for (const char* name :
       {"main", "", "my_malloc_test", "mallocs", "std::vector<int>::push_back(int const&)",
        "foo(malloc)", "Pool<malloc>::get()", "operator newt", "runtime.main", "runtime.gcenable",
        "main.(*T).malloc", "jet", "a::std::allocator", ")", "(((("}) {
    EXPECT_FALSE(IsAllocatorFrame(name)) << name;
  }
}

TEST(SiteName, BeginsBehindTheAllocator) {
  EXPECT_EQ(SiteName(Site({"runtime.mallocgc", "runtime.newobject", "main.f", "main.main",
                           "runtime.main", "runtime.goexit", "x"})),
            "main.f < main.main < runtime.main < runtime.goexit");
  // Where nothing else remains, it is shown.
  EXPECT_EQ(SiteName(Site({"malloc", "operator new()"})), "malloc < operator new()");
  // Only what leads is left out.
  EXPECT_EQ(SiteName(Site({"malloc", "parse", "malloc"})), "parse < malloc");
  EXPECT_EQ(SiteName(Site({})), "call site 7");
}

TEST(SiteName, LeavesOutArguments) {
  EXPECT_EQ(SiteName(Site({"QImage::QImage(int, int, QImage::Format)", "f() const",
                           "a::(anonymous namespace)"})),
            "QImage::QImage() < f() < a::(anonymous namespace)");
  EXPECT_EQ(SiteName(Site({"g(void (*)(int))", ")", "main.(*T).f"})),
            "g(void (*)(int)) < ) < main.(*T).f");
}

TEST(SiteName, HasFilesAndLines) {
  proto::CallSite site = Site({"malloc", "parse", "main"});
  for (const char* file : {"/libc/malloc.c", "/src/parse.c", ""}) site.add_frame_files(file);
  for (const uint32_t line : {1u, 12u, 0u}) site.add_frame_lines(line);
  EXPECT_EQ(SiteName(site), "parse (parse.c:12) < main");
  site.set_frame_lines(1, 0);
  EXPECT_EQ(SiteName(site), "parse (parse.c) < main");
}

}  // namespace
}  // namespace heapsim::analysis
