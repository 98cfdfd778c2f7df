#include "traces/format/stream_vbyte.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::traces {
namespace {

using Decoder = bool (*)(absl::string_view, absl::Span<uint32_t>);

// Every variant that this CPU runs.
std::vector<Decoder> Decoders() {
  std::vector<Decoder> decoders = {&StreamVbyteDecodePortable, &StreamVbyteDecode};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("ssse3")) decoders.push_back(&StreamVbyteDecodeSsse3);
  if (__builtin_cpu_supports("avx2")) decoders.push_back(&StreamVbyteDecodeAvx2);
#endif
  return decoders;
}

std::vector<uint32_t> RandomValues(std::mt19937& random, size_t count) {
  std::vector<uint32_t> values(count);
  for (uint32_t& value : values) value = static_cast<uint32_t>(random()) >> (random() % 32);
  return values;
}

TEST(StreamVbyte, KnownBytes) {
  std::string code = "x";
  StreamVbyteEncode({1, 0x1234, 0xabcdef, 0xffffffff, 0}, &code);
  EXPECT_EQ(code, std::string("x\xe4\x00\x01\x34\x12\xef\xcd\xab\xff\xff\xff\xff\x00", 14));
}

TEST(StreamVbyte, EveryVariantGivesBackWhatWasEncoded) {
  std::mt19937 random(1);
  for (size_t count = 0; count < 200; ++count) {
    const std::vector<uint32_t> values = RandomValues(random, count);
    std::string code;
    StreamVbyteEncode(values, &code);
    for (const Decoder decode : Decoders()) {
      std::vector<uint32_t> decoded(count);
      ASSERT_TRUE(decode(code, absl::MakeSpan(decoded)));
      EXPECT_EQ(decoded, values);
    }
  }
}

TEST(StreamVbyte, RefusesOtherLengths) {
  std::mt19937 random(2);
  for (size_t count = 1; count < 60; ++count) {
    std::string code;
    StreamVbyteEncode(RandomValues(random, count), &code);
    for (const Decoder decode : Decoders()) {
      std::vector<uint32_t> decoded(count);
      EXPECT_FALSE(decode(code + "x", absl::MakeSpan(decoded)));
      for (size_t cut = 0; cut < code.size(); ++cut) {
        EXPECT_FALSE(decode(absl::string_view(code).substr(0, cut), absl::MakeSpan(decoded)));
      }
    }
  }
}

// Whatever the bytes: the same verdict and values from all variants.
TEST(StreamVbyte, VariantsAgreeOnRandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(random() % 80, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : 0);
    std::vector<uint32_t> expected(random() % 30);
    const bool valid = StreamVbyteDecodePortable(bytes, absl::MakeSpan(expected));
    for (const Decoder decode : Decoders()) {
      std::vector<uint32_t> decoded(expected.size());
      ASSERT_EQ(decode(bytes, absl::MakeSpan(decoded)), valid);
      if (valid) {
        EXPECT_EQ(decoded, expected);
      }
    }
  }
}

TEST(StreamVbyte, RefusesUnusedControlBits) {
  std::vector<uint32_t> one(1);
  EXPECT_TRUE(StreamVbyteDecode(absl::string_view("\x00\x05", 2), absl::MakeSpan(one)));
  EXPECT_FALSE(StreamVbyteDecode(absl::string_view("\x04\x05", 2), absl::MakeSpan(one)));
}

}  // namespace
}  // namespace heapsim::traces
