#include "analysis/series_csv.h"

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

TEST(SeriesCsv, OneLineASampleUnderTheNames) {
  proto::Result result;
  proto::Sample* sample = result.add_series();
  sample->set_event(3);
  sample->set_rss_bytes(4096);
  sample->mutable_parts()->set_dead_bytes(4096);
  result.add_series()->set_event(4);
  EXPECT_EQ(SeriesCsv(result),
            "event,time_ns,live_bytes,rss_bytes,live_resident_bytes,internal_bytes,dead_bytes,"
            "span_slack_bytes,free_pages_bytes,manual_bytes,metadata_bytes,lazyfree_bytes,"
            "other_bytes\n"
            "3,0,0,4096,0,0,4096,0,0,0,0,0,0\n"
            "4,0,0,0,,,,,,,,,\n");
}

}  // namespace
}  // namespace heapsim::analysis
