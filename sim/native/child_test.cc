#include "sim/native/child.h"

#include <signal.h>

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

using ::testing::HasSubstr;

class ChildTest : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer brings a malloc of its own";
#endif
  }
};

NativeAllocator Glibc() { return {proto::ENGINE_NATIVE_GLIBC, "libc.so.6", "libc6", false}; }

TEST_F(ChildTest, AMissingLibraryIsToldWithItsPackage) {
  const NativeAllocator missing = {proto::ENGINE_NATIVE_JEMALLOC, "libnosuchmalloc.so.9",
                                   "libnosuchmalloc9", true};
  const absl::Status status = NativeChild::Start(missing, false).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("libnosuchmalloc.so.9 is not installed"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("install the package libnosuchmalloc9"));
}

TEST_F(ChildTest, OneThatDiesIsToldWithItsSignal) {
  const NativeAllocator glibc = Glibc();
  auto child = NativeChild::Start(glibc, false);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_THAT((*child)->version(), HasSubstr("glibc 2."));
  (*child)->calls()[0] = {};
  ASSERT_TRUE((*child)->Run(1, native::TouchModel::kWhole, 1).ok());
  kill((*child)->pid(), SIGKILL);
  const absl::Status status = (*child)->Run(1, native::TouchModel::kWhole, 1).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("signal 9"));
  EXPECT_FALSE((*child)->Run(1, native::TouchModel::kWhole, 1).ok());
}

// As from a heap that was written over: glibc says what it saw, and aborts.
TEST_F(ChildTest, WhatItSaysWhenItDiesIsTold) {
  const NativeAllocator glibc = Glibc();
  auto child = NativeChild::Start(glibc, false);
  ASSERT_TRUE(child.ok()) << child.status();
  native::Call* calls = (*child)->calls();
  calls[0] = {.size = 100, .what = native::Action::kMalloc};
  calls[1] = {.what = native::Action::kFree};
  calls[2] = {.what = native::Action::kFree};
  const absl::Status status = (*child)->Run(3, native::TouchModel::kWhole, 1).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("signal 6"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("double free"));
}

TEST_F(ChildTest, OnlyTheLibraryAskedForIsPreloaded) {
  setenv("LD_PRELOAD", "libnosuchmalloc.so.9", 1);
  const NativeAllocator glibc = Glibc();
  const auto child = NativeChild::Start(glibc, false);
  unsetenv("LD_PRELOAD");
  EXPECT_TRUE(child.ok()) << child.status();
}

TEST_F(ChildTest, ReadsWhenAskedAndWhenItGrows) {
  const NativeAllocator glibc = Glibc();
  auto child = NativeChild::Start(glibc, false);
  ASSERT_TRUE(child.ok()) << child.status();
  native::Call* calls = (*child)->calls();
  for (uint32_t i = 0; i < 1000; ++i) {
    calls[i] = {.size = 100, .object = i, .what = native::Action::kMalloc, .ends_step = true};
  }
  calls[300].read = true;
  calls[500].size = 8 << 20;
  const auto result = (*child)->Run(1000, native::TouchModel::kWhole, 1000);
  ASSERT_TRUE(result.ok()) << result.status();
  bool asked = false, grew = false;
  uint32_t last = 0;
  for (const native::Reading& reading : result->readings) {
    EXPECT_GE(reading.call, last);
    last = reading.call;
    asked |= reading.call == 300;
    grew |= reading.call == 500 && reading.anonymous_bytes >= 8 << 20;
  }
  EXPECT_TRUE(asked);
  EXPECT_TRUE(grew);
  EXPECT_LT(result->readings.size(), 50u);
}

}  // namespace
}  // namespace heapsim::sim
