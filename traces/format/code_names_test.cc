#include "traces/format/code_names.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/format/code_map_builder.h"
#include "traces/format/printable.h"

namespace heapsim::traces {
namespace {

using testing::HasSubstr;

CodeFrame Frame(uint64_t address, std::string function, std::string file = "", uint32_t line = 0) {
  CodeFrame frame;
  frame.address = address;
  frame.function = std::move(function);
  frame.file = std::move(file);
  frame.line = line;
  return frame;
}

void AddAll(CodeMapBuilder* builder, uint32_t first_node, CodeNames* names) {
  for (const proto::CodeMap& map : builder->Take()) {
    const absl::Status status = names->Add(first_node, map, true);
    ASSERT_TRUE(status.ok()) << status;
  }
}

std::string NameAt(const CodeNames& names, uint32_t node, uint64_t address) {
  return names.FramesOf(node, address)[0].Name();
}

TEST(CodeNames, TellsFunctionsModulesAndAddresses) {
  CodeMapBuilder builder;
  builder.AddModule("/usr/lib/libx.so.1", 0x7000, 0x8000, 0x6000);
  const std::vector<CodeFrame> inlined = {Frame(0x7010, "inner", "a.h", 3),
                                          Frame(0x7010, "outer", "a.cc", 70)};
  builder.AddPlace(inlined);
  CodeNames names;
  AddAll(&builder, 1, &names);
  const std::vector<CodeFrame> frames = names.FramesOf(1, 0x7010);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].Name(), "inner");
  EXPECT_EQ(frames[1].function, "outer");
  EXPECT_EQ(frames[1].file, "a.cc");
  EXPECT_EQ(frames[1].line, 70u);
  EXPECT_EQ(frames[1].module, "/usr/lib/libx.so.1");
  EXPECT_EQ(NameAt(names, 1, 0x7fff), "libx.so.1+0x1fff");
  EXPECT_EQ(NameAt(names, 1, 0x8000), "0x8000");
  EXPECT_EQ(NameAt(names, 1, 0x6fff), "0x6fff");
}

// A library that is unloaded makes room for another.
TEST(CodeNames, ALaterMapHoldsForLaterNodesOnly) {
  CodeMapBuilder builder;
  builder.AddModule("old.so", 0x1000, 0x2000, 0x1000);
  const CodeFrame old = Frame(0x1010, "old_function");
  builder.AddPlace({&old, 1});
  CodeNames names;
  AddAll(&builder, 1, &names);
  builder.ForgetModules();
  builder.AddModule("new.so", 0x1800, 0x2000, 0x1800);
  const CodeFrame other = Frame(0x1010, "new_function");
  builder.AddPlace({&other, 1});
  AddAll(&builder, 5, &names);
  EXPECT_EQ(NameAt(names, 4, 0x1010), "old_function");
  EXPECT_EQ(NameAt(names, 5, 0x1010), "new_function");
  EXPECT_EQ(NameAt(names, 4, 0x1900), "old.so+0x900");
  EXPECT_EQ(NameAt(names, 5, 0x1900), "new.so+0x100");
  EXPECT_EQ(NameAt(names, 5, 0x1100), "0x1100");
  EXPECT_TRUE(names.OriginOf(4, 0x1900) == names.OriginOf(1, 0x1900));
  EXPECT_FALSE(names.OriginOf(4, 0x1900) == names.OriginOf(5, 0x1900));
}

TEST(CodeNames, RefusesWhatMakesNoSense) {
  const auto error = [](const proto::CodeMap& map) {
    CodeNames names;
    const absl::Status status = names.Add(1, map, true);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    return std::string(status.message());
  };
  proto::CodeMap map;
  map.add_strings(std::string(kMaxNameBytes + 1, 'x'));
  EXPECT_THAT(error(map), HasSubstr("a name of more than 4096 bytes"));
  map.Clear();
  map.add_modules()->set_name(1);
  EXPECT_THAT(error(map), HasSubstr("a module's name that is not there"));
  map.Clear();
  map.add_modules()->set_begin(1);
  EXPECT_THAT(error(map), HasSubstr("a module that ends first"));
  map.Clear();
  map.add_places()->add_function(0);
  EXPECT_THAT(error(map), HasSubstr("lists differ"));
  map.Clear();
  map.add_places()->set_module(7);
  EXPECT_THAT(error(map), HasSubstr("a name that is not there"));
  map.Clear();
  for (size_t i = 0; i <= kMaxModules; ++i) map.add_modules();
  EXPECT_THAT(error(map), HasSubstr("more than 65536 modules"));
}

TEST(CodeNames, RefusesModulesThatChangeForEver) {
  proto::CodeMap full, one;
  for (size_t i = 1; i < kMaxModules; ++i) full.add_modules();
  full.set_forget_modules(true);
  one.add_modules();
  CodeNames names;
  size_t taken = 0;
  for (; taken < 1000; ++taken) {
    if (!names.Add(1, full, false).ok() || !names.Add(1, one, false).ok()) break;
  }
  EXPECT_GT(taken, 10u);
  EXPECT_LT(taken, 100u);
}

// A few bytes of a file must not become gigabytes: empty places are next to nothing when packed.
TEST(CodeNames, RefusesMoreThanAWriterMakes) {
  proto::CodeMap map;
  for (int i = 0; i < 10000; ++i) map.add_places();
  CodeNames names;
  absl::Status status;
  int maps = 0;
  for (; status.ok() && maps < 1000; ++maps) status = names.Add(1, map, true);
  EXPECT_THAT(std::string(status.message()), HasSubstr("more names"));
  EXPECT_EQ(maps - 1, static_cast<int>(kMaxCodeBytes / (10000 * CodePlaceBytes(0))));
}

TEST(CodeMapBuilder, KeepsWithinItsLimit) {
  CodeMapBuilder builder(2000);
  for (int i = 0; i < 100; ++i) {
    const CodeFrame frame = Frame(i, "function " + std::to_string(i));
    builder.AddPlace({&frame, 1});
  }
  EXPECT_TRUE(builder.full());
  CodeNames names;
  AddAll(&builder, 1, &names);
  EXPECT_EQ(NameAt(names, 1, 3), "function 3");
  EXPECT_EQ(NameAt(names, 1, 99), "0x63");
}

TEST(CodeMapBuilder, CutsLongNamesAndLargeMaps) {
  CodeMapBuilder builder;
  for (int i = 0; i < 1000; ++i) {
    const CodeFrame frame = Frame(i, std::to_string(i) + std::string(5000, 'x'));
    builder.AddPlace({&frame, 1});
  }
  const std::vector<proto::CodeMap> maps = builder.Take();
  EXPECT_GT(maps.size(), 2u);
  CodeNames names;
  for (const proto::CodeMap& map : maps) {
    EXPECT_LT(map.ByteSizeLong(), size_t{2} << 20);
    ASSERT_TRUE(names.Add(1, map, true).ok());
  }
  EXPECT_EQ(NameAt(names, 1, 999).substr(0, 5), "999xx");
  EXPECT_EQ(NameAt(names, 1, 999).size(), kMaxNameBytes);
}

TEST(Printable, LeavesTextAndReplacesTheRest) {
  EXPECT_EQ(Printable("std::vector<é, 漢, 😀>"), "std::vector<é, 漢, 😀>");
  EXPECT_EQ(Printable("a\x1b[31m\nb\x7f\xc2\x9b"), "a?[31m?b??");
  EXPECT_EQ(Printable("\xff\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82"), "??? ??? ???? ??");
}

}  // namespace
}  // namespace heapsim::traces
