#include "analysis/demangle.h"

#include <string>

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

TEST(DemangledName, IsWhatPeopleWrite) {
  EXPECT_EQ(DemangledName("_Znwm"), "operator new()");
  EXPECT_EQ(DemangledName("_ZN3foo3BarIiSaIiEE4growEm"), "foo::Bar<>::grow()");
  EXPECT_EQ(DemangledName("_ZN12_GLOBAL__N_13fooEv"), "(anonymous namespace)::foo()");
  EXPECT_EQ(DemangledName("_ZZ4mainENKUlvE_clEv"), "main::{lambda()#1}::operator()()");
  EXPECT_EQ(DemangledName("_ZN3foo3barB5cxx11Ev"), "foo::bar()");
  EXPECT_EQ(DemangledName("_ZN5alloc5alloc8box_free17h0123456789abcdefE"),
            "alloc::alloc::box_free");
}

TEST(DemangledName, WhatIsNoMangledNameStays) {
  for (const char* name : {"", "main", "runtime.(*mheap).alloc", "_Z", "_ZN", "_Zebra", "_ZN3fooXE",
                           "foo::bar(int)", "libc.so.6+0x12ab", "_ZN99999999999999999999fooE"}) {
    EXPECT_EQ(DemangledName(name), name);
  }
}

// Each argument is a pair of the one before twice: written out it has 2^60 of them.
TEST(DemangledName, NoNameTakesLong) {
  std::string name = "_Z1fSt4pairIiiE";
  const char* digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int i = 0; i < 60; ++i) {
    const std::string before =
        "S" + (i < 36 ? std::string(1, digits[i]) : std::string("1") + digits[i - 36]) + "_";
    name += "St4pairI" + before + before + "E";
  }
  EXPECT_LT(DemangledName(name).size(), 2000u);
  EXPECT_LT(DemangledName("_Z" + std::string(4000, 'P')).size(), 4100u);
  EXPECT_LT(DemangledName("_Z1f" + std::string(4000, 'P') + "i").size(), 4100u);
  std::string nested = "_Z1f";
  for (int i = 0; i < 500; ++i) nested += "N1aI";
  EXPECT_LT(DemangledName(nested).size(), 4100u);
}

}  // namespace
}  // namespace heapsim::analysis
