#include "analysis/export/pprof.h"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "analysis/export/gzip.h"
#include "analysis/export/pprof.pb.h"

namespace heapsim::analysis {
namespace {

class ProfileBuilder {
 public:
  ProfileBuilder() { String(""); }

  pprof::Profile* profile() { return &profile_; }

  int64_t String(const std::string& text) {
    const auto [found, added] = strings_.try_emplace(text, profile_.string_table_size());
    if (added) profile_.add_string_table(text);
    return found->second;
  }

  void AddType(const char* type, const char* unit) {
    pprof::ValueType* value = profile_.add_sample_type();
    value->set_type(String(type));
    value->set_unit(String(unit));
  }

  // A function by its name, the one that the recording has for it, and its file.
  struct Frame {
    std::string name, symbol, file;
    auto operator<=>(const Frame&) const = default;
  };

  // A frame by its function and place. Addresses are of the recorded process: without its files
  // they are names.
  uint64_t Location(const Frame& frame, uint32_t line = 0) {
    const auto [found, added] = locations_.try_emplace(
        std::make_pair(frame, line), static_cast<uint64_t>(profile_.location_size() + 1));
    if (added) {
      pprof::Location* location = profile_.add_location();
      location->set_id(found->second);
      pprof::Line* at = location->add_line();
      at->set_function_id(Function(frame));
      at->set_line(line);
    }
    return found->second;
  }

  void AddFrames(const proto::CallSite& site, pprof::Sample* sample) {
    for (int i = 0; i < site.frames_size(); ++i) {
      Frame frame = {site.frames(i), site.frames(i), ""};
      if (i < site.frame_symbols_size() && !site.frame_symbols(i).empty()) {
        frame.symbol = site.frame_symbols(i);
      }
      if (i < site.frame_files_size()) frame.file = site.frame_files(i);
      sample->add_location_id(
          Location(frame, i < site.frame_lines_size() ? site.frame_lines(i) : 0));
    }
  }

 private:
  uint64_t Function(const Frame& frame) {
    const auto [found, added] =
        functions_.try_emplace(frame, static_cast<uint64_t>(profile_.function_size() + 1));
    if (added) {
      pprof::Function* function = profile_.add_function();
      function->set_id(found->second);
      function->set_name(String(frame.name));
      function->set_system_name(String(frame.symbol));
      function->set_filename(String(frame.file));
    }
    return found->second;
  }

  pprof::Profile profile_;
  std::map<std::string, int64_t> strings_;
  std::map<Frame, uint64_t> functions_;
  std::map<std::pair<Frame, uint32_t>, uint64_t> locations_;
};

void AddSample(const proto::SiteUse& use, pprof::Sample* sample) {
  sample->add_value(static_cast<int64_t>(use.live_bytes()));
  sample->add_value(static_cast<int64_t>(use.live_objects()));
  sample->add_value(static_cast<int64_t>(use.pinned_bytes()));
  sample->add_value(static_cast<int64_t>(use.wasted_bytes()));
}

}  // namespace

std::string PprofProfile(const proto::Result& result) {
  ProfileBuilder builder;
  builder.AddType("inuse_space", "bytes");
  builder.AddType("inuse_objects", "count");
  builder.AddType("pinned_pages", "bytes");
  builder.AddType("wasted_space", "bytes");
  pprof::Profile* profile = builder.profile();
  profile->set_default_sample_type(builder.String("pinned_pages"));
  profile->add_comment(builder.String(absl::StrCat("heapsim ", result.version(), ", policy ",
                                                   result.policy().name(), ", at the RSS peak")));
  std::map<uint32_t, const proto::CallSite*> sites;
  for (const proto::CallSite& site : result.detail().call_sites()) sites[site.id()] = &site;
  for (const proto::HeapSnapshot& snapshot : result.detail().snapshots()) {
    if (snapshot.label() != "peak") continue;
    for (const proto::SiteUse& use : snapshot.sites()) {
      pprof::Sample* sample = profile->add_sample();
      const auto site = sites.find(use.site());
      if (site != sites.end()) builder.AddFrames(*site->second, sample);
      AddSample(use, sample);
    }
    if (snapshot.has_other_sites()) {
      pprof::Sample* sample = profile->add_sample();
      const std::string name =
          absl::StrCat("(", snapshot.other_sites_count(), " other call sites)");
      sample->add_location_id(builder.Location({name, name, ""}));
      AddSample(snapshot.other_sites(), sample);
    }
    break;
  }
  return Gzip(profile->SerializeAsString());
}

}  // namespace heapsim::analysis
