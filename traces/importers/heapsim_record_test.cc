#include "traces/importers/heapsim_record.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "traces/importers/import_test_util.h"
#include "traces/recorder/recording.h"

namespace heapsim::traces {
namespace {

std::string Batch(uint32_t pid, const std::vector<CallRecord>& records) {
  BatchHeader header = {};
  std::memcpy(header.magic, kBatchMagic, sizeof(header.magic));
  header.pid = pid;
  header.count = static_cast<uint32_t>(records.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         std::string(reinterpret_cast<const char*>(records.data()),
                     records.size() * sizeof(CallRecord));
}

std::string Command(const std::string& text) {
  BatchHeader header = {};
  std::memcpy(header.magic, kCommandMagic, sizeof(header.magic));
  header.count = static_cast<uint32_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + text;
}

TEST(HeapsimRecord, BatchesOfSeveralProcesses) {
  const std::string bytes = Command("prog --flag") +
                            Batch(5, {{100, 0x10, 0, 64, 50, RecordedCall::kMalloc},
                                      {110, 0x20, 4096, 10, 51, RecordedCall::kMemalign}}) +
                            Batch(6, {{105, 0x10, 0, 9, 60, RecordedCall::kMalloc}}) +
                            Batch(5, {{120, 0x30, 0x10, 100, 50, RecordedCall::kRealloc},
                                      {130, 0, 0x20, 0, 50, RecordedCall::kFree}});
  const Imported trace = ImportText(bytes);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "heapsim-record");
  EXPECT_EQ(trace.header.command_line(), "prog --flag");
  EXPECT_EQ(trace.header.program(), "prog");
  EXPECT_EQ(trace.facts.events, 4u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 110u);
  EXPECT_EQ(trace.facts.duration_ns, 30u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_EQ(ImportText(bytes, 6).facts.events, 1u);

  const Imported cut = ImportText(bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(cut.facts.events, 2u);
  EXPECT_FALSE(cut.facts.complete);
}

}  // namespace
}  // namespace heapsim::traces
