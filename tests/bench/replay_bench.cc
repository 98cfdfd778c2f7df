// Replay beside the allocators themselves: bazel run //tests/bench:replay_bench
//
// Makes synthetic traces, replays them with each native allocator and with this project, every
// round all of them one after the other, and prints medians. What is printed and what bounds it:
// docs/performance.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/children.h"
#include "tests/bench/run_child.h"

namespace heapsim::bench {
namespace {

namespace fs = std::filesystem;

struct Size {
  std::string name;
  uint32_t live_objects;
  int aim;              // index of Program::aims
  double stored_limit;  // bytes an event in the file, at most
  bool second_half;  // is what the ratios are taken of: before, native runs only see fresh memory
};

struct Options {
  uint64_t events = 50'000'000;
  int rounds = 5;
  std::vector<std::string> sizes = {"small", "medium", "large"};
  std::vector<std::string> parts = {"replay", "decode", "steady"};
  bool quick = false;
};

struct Program {
  const char* name;
  const char* library;  // preloaded; null: this project
  const char* task;
  const char* policy;
  // What its ratios are to be at least, by size, and the goal.
  struct Aim {
    double floor, goal;
  } aims[3] = {};
};
constexpr Program kPrograms[] = {
    {"glibc", "", "", ""},
    {"jemalloc", "libjemalloc.so.2", "", ""},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "", ""},
    {"mimalloc", "libmimalloc.so.2", "", ""},
    {"GC reclaim, decoded, one core", nullptr, "memory", "go1.10", {{0.9, 1.25}, {2.5, 4}, {3, 5}}},
    {"explicit reclaim, the same",
     nullptr,
     "memory",
     "go1.10-explicit",
     {{0.65, 0.9}, {1.2, 1.5}, {1.5, 2}}},
    {"GC reclaim, from the file, two cores",
     nullptr,
     "file",
     "go1.10",
     {{0.9, 1.25}, {2.5, 4}, {3, 5}}},
};

constexpr const char* kTimes[] = {"wall", "cpu", "wall2", "cpu2"};

double Median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const size_t n = v.size();
  return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  absl::Status Run() {
    // Beside this binary lies the native one.
    self_ = fs::read_symlink("/proc/self/exe").string();
    native_ = (fs::path(self_).parent_path() / "native_replay").string();
    std::string pattern = (fs::temp_directory_path() / "heapsim-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      return absl::PermissionDeniedError(absl::StrCat(pattern, ": cannot be made"));
    }
    directory_ = pattern;
    const absl::Status status = RunParts();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    return status;
  }

 private:
  bool Wants(const std::string& part) const {
    return std::count(options_.parts.begin(), options_.parts.end(), part) != 0;
  }

  absl::Status RunParts() {
    for (const Size& size :
         {Size{"small", 10'000, 0, 4.0, false}, Size{"medium", 1'000'000, 1, 4.8, false},
          Size{"large", options_.quick ? 2'000'000u : 20'000'000u, 2, 4.3, true}}) {
      if (std::count(options_.sizes.begin(), options_.sizes.end(), size.name) != 0) {
        sizes_.push_back(size);
      }
    }
    for (const Size& size : sizes_) {
      if (!Wants("replay") && !Wants("decode")) break;
      if (absl::Status s = MakeTrace(size); !s.ok()) return s;
      if (Wants("replay")) {
        if (absl::Status s = RunRounds(size); !s.ok()) return s;
        absl::FPrintF(stderr, "%s: with call sites and times\n", size.name);
        absl::StatusOr<Figures> sites =
            Child("sites", "go1.10", options_.events, size.live_objects);
        if (!sites.ok()) return sites.status();
        with_sites_[size.name] = *std::move(sites);
      }
      if (Wants("decode")) {
        if (absl::Status s = RunDecode(size); !s.ok()) return s;
      }
      fs::remove(TracePath());
      fs::remove(OpsPath());
    }
    if (Wants("replay")) PrintReplay();
    if (Wants("decode")) {
      PrintDecode();
      if (absl::Status s = RunImport(); !s.ok()) return s;
    }
    return Wants("steady") ? RunSteady() : absl::OkStatus();
  }

  std::string TracePath() const { return directory_ + "/trace.htrace"; }
  std::string OpsPath() const { return directory_ + "/trace.ops"; }

  absl::StatusOr<Figures> Child(const std::string& task, const std::string& policy, uint64_t events,
                                uint32_t live_objects) const {
    std::vector<std::string> argv = {self_,
                                     absl::StrCat("--child=", task),
                                     absl::StrCat("--trace=", TracePath()),
                                     absl::StrCat("--ops=", OpsPath()),
                                     absl::StrCat("--events=", events),
                                     absl::StrCat("--live=", live_objects)};
    if (!policy.empty()) argv.push_back(absl::StrCat("--policy=", policy));
    return RunProcess(argv);
  }

  absl::Status MakeTrace(const Size& size) {
    absl::FPrintF(stderr, "%s: making the trace\n", size.name);
    absl::StatusOr<Figures> made = Child("make", "", options_.events, size.live_objects);
    if (!made.ok()) return made.status();
    made_[size.name] = *made;
    return absl::OkStatus();
  }

  absl::Status RunRounds(const Size& size) {
    for (int round = 1; round <= options_.rounds; ++round) {
      absl::FPrintF(stderr, "%s: round %d of %d\n", size.name, round, options_.rounds);
      for (const Program& p : kPrograms) {
        absl::StatusOr<Figures> f =
            p.library == nullptr ? Child(p.task, p.policy, options_.events, size.live_objects)
                                 : RunProcess({native_, OpsPath(), p.library}, p.library);
        if (!f.ok()) return f.status();
        if (f->count("absent") != 0) {
          absent_[p.name] = true;
          continue;
        }
        for (const auto& [name, value] : *f) rounds_[size.name][p.name][name].push_back(value);
      }
    }
    return absl::OkStatus();
  }

  double NsPerEvent(const Size& size, const Program& p, const std::string& time) const {
    const bool half = time.back() == '2';
    return Median(rounds_.at(size.name).at(p.name).at(time)) * 1e9 /
           (static_cast<double>(options_.events) / (half ? 2 : 1));
  }

  // Of each round its own ratio, since the machine's mood is the round's; then the median.
  std::string Ratio(const Size& size, const Program& ours, const std::string& time) const {
    const Program* fastest = nullptr;
    for (const Program& p : kPrograms) {
      if (p.library == nullptr || absent_.count(p.name) != 0) continue;
      if (fastest == nullptr || NsPerEvent(size, p, time) < NsPerEvent(size, *fastest, time)) {
        fastest = &p;
      }
    }
    const std::vector<double>& a = rounds_.at(size.name).at(fastest->name).at(time);
    const std::vector<double>& b = rounds_.at(size.name).at(ours.name).at(time);
    std::vector<double> ratios;
    for (size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
    return absl::StrFormat("%.2f", Median(ratios));
  }

  void PrintReplay() const {
    absl::PrintF("\nReplay of %d events, ns an event, median of %d rounds: wall / CPU\n%-38s",
                 options_.events, options_.rounds, "");
    for (const Size& s : sizes_) absl::PrintF("%16s%16s", s.name, "second half");
    absl::PrintF("\n");
    for (const Program& p : kPrograms) {
      absl::PrintF("%-38s", p.name);
      if (absent_.count(p.name) != 0) {
        absl::PrintF("%16s\n", "absent");
        continue;
      }
      for (const Size& s : sizes_) {
        for (const int half : {0, 2}) {
          absl::PrintF("%16s", absl::StrFormat("%.1f / %.1f", NsPerEvent(s, p, kTimes[half]),
                                               NsPerEvent(s, p, kTimes[half + 1])));
        }
      }
      absl::PrintF("\n");
    }
    absl::PrintF("\nTime of the fastest native allocator / ours: wall / CPU\n%-38s", "");
    for (const Size& s : sizes_) {
      absl::PrintF("%20s", absl::StrCat(s.name, s.second_half ? ", 2nd half" : ""));
    }
    absl::PrintF("\n");
    for (const Program& p : kPrograms) {
      if (p.library != nullptr) continue;
      absl::PrintF("%-38s", p.name);
      for (const Size& s : sizes_) {
        const int half = s.second_half ? 2 : 0;
        absl::PrintF("%20s",
                     absl::StrCat(Ratio(s, p, kTimes[half]), " / ", Ratio(s, p, kTimes[half + 1])));
      }
      absl::PrintF("\n%-38s", "  at least (goal)");
      for (const Size& s : sizes_) {
        absl::PrintF("%20s",
                     absl::StrFormat("%.2f (%.2f)", p.aims[s.aim].floor, p.aims[s.aim].goal));
      }
      absl::PrintF("\n");
    }
    absl::PrintF(
        "\nPeak memory of a replay from the file, bytes a live object beyond 16 MiB "
        "(at most 16)\n");
    for (const Size& s : sizes_) {
      const double bytes = Median(rounds_.at(s.name).at(kPrograms[6].name).at("memory"));
      const double objects = made_.at(s.name).at("peak_blocks");
      absl::PrintF("%-10s%10.1f   (%.1f MiB in all, %.0f live objects)\n", s.name,
                   std::max(0.0, bytes - 16 * 1048576.0) / objects, bytes / 1048576, objects);
    }
    absl::PrintF(
        "\nThe same with call sites, times and a look at the heap at its peak (at most 20)\n");
    for (const Size& s : sizes_) {
      const double bytes = with_sites_.at(s.name).at("memory");
      absl::PrintF("%-10s%10.1f   (%.1f MiB in all)\n", s.name,
                   std::max(0.0, bytes - 16 * 1048576.0) / made_.at(s.name).at("peak_blocks"),
                   bytes / 1048576);
    }
  }

  // Rounds of all three, interleaved.
  absl::Status RunDecode(const Size& size) {
    for (int round = 1; round <= options_.rounds; ++round) {
      absl::FPrintF(stderr, "%s: decode, round %d of %d\n", size.name, round, options_.rounds);
      for (const char* task : {"decode", "columns", "messages"}) {
        absl::StatusOr<Figures> f = Child(task, "", options_.events, size.live_objects);
        if (!f.ok()) return f.status();
        for (const auto& [name, value] : *f) rounds_[size.name][task][name].push_back(value);
      }
    }
    return absl::OkStatus();
  }

  void PrintDecode() const {
    absl::PrintF("\nDecode, one core: ns an event (wall / CPU), stored bytes an event\n%-38s", "");
    for (const Size& s : sizes_) absl::PrintF("%22s", s.name);
    absl::PrintF("\n");
    const auto events = static_cast<double>(options_.events);
    for (const auto& [task, text] : {std::pair("decode", ".htrace (checksum, zstd, columns)"),
                                     std::pair("columns", "columns without checksum and zstd"),
                                     std::pair("messages", "one protobuf message an event")}) {
      absl::PrintF("%-38s", text);
      for (const Size& s : sizes_) {
        const auto& figures = rounds_.at(s.name).at(task);
        const double bytes = task == std::string("decode") ? made_.at(s.name).at("stored_bytes")
                                                           : figures.at("stored_bytes")[0];
        absl::PrintF("%22s", absl::StrFormat(
                                 "%.1f / %.1f  %.2f B", Median(figures.at("wall")) * 1e9 / events,
                                 Median(figures.at("cpu")) * 1e9 / events, bytes / events));
      }
      absl::PrintF("\n");
    }
    absl::PrintF("%-38s", "  stored bytes, at most");
    for (const Size& s : sizes_) absl::PrintF("%22s", absl::StrFormat("%.2f B", s.stored_limit));
    absl::PrintF("\n%-38s", "messages / .htrace, CPU (at least 4)");
    for (const Size& s : sizes_) {
      const auto& figures = rounds_.at(s.name);
      absl::PrintF("%22s", absl::StrFormat("%.1f", Median(figures.at("messages").at("cpu")) /
                                                       Median(figures.at("decode").at("cpu"))));
    }
    absl::PrintF("\n");
  }

  absl::Status RunImport() const {
    const uint64_t events = std::min<uint64_t>(options_.events, 5'000'000);
    absl::FPrintF(stderr, "import\n");
    absl::StatusOr<Figures> f = Child("import", "", events, 100'000);
    if (!f.ok()) return f.status();
    absl::PrintF("\nImport of %d events, 100,000 live: million events and MB a second (CPU)\n",
                 events);
    for (const char* name : {"rep", "mtrace"}) {
      const double seconds = f->at(absl::StrCat(name, "_cpu"));
      absl::PrintF("%-10s%10.1f%10.0f\n", name, static_cast<double>(events) / seconds / 1e6,
                   f->at(absl::StrCat(name, "_bytes")) / seconds / 1e6);
    }
    return absl::OkStatus();
  }

  // The same live size, ever more events. A short run is over within one mood of the machine, a
  // long one meets several, and moods differ by half. So while a long one runs, short ones run
  // beside it on the same processor, one after the other: both meet the same moods, and their ratio
  // is that of what they cost.
  absl::Status RunSteady() const {
    static constexpr uint64_t kShort = 1'000'000;
    struct Length {
      uint64_t events;
      int runs;
      // CPU ns an event: of each run, and the median of the short ones beside it.
      std::vector<double> cost, beside;
      double memory = 0;
    };
    std::vector<Length> lengths = {{10'000'000, 4 * options_.rounds, {}, {}},
                                   {100'000'000, options_.rounds, {}, {}},
                                   {1'000'000'000, std::max(1, options_.rounds / 2), {}, {}}};
    if (options_.quick) lengths.resize(1);
    size_t shorts = 0;
    for (Length& length : lengths) {
      for (int run = 1; run <= length.runs; ++run) {
        absl::FPrintF(stderr, "steady: %d events, run %d of %d\n", length.events, run, length.runs);
        absl::StatusOr<Figures> longer;
        std::atomic<bool> done = false;
        std::thread thread([&] {
          longer = Child("steady", "go1.10", length.events, 10'000);
          done = true;
        });
        std::vector<double> costs;
        absl::Status status;
        while (status.ok() && !done) {
          const absl::StatusOr<Figures> f = Child("steady", "go1.10", kShort, 10'000);
          status = f.status();
          // One that outlived its neighbour had the processor to itself.
          if (f.ok() && !done) costs.push_back(f->at("cpu") * 1e9 / kShort);
        }
        thread.join();
        if (!status.ok()) return status;
        if (!longer.ok()) return longer.status();
        if (costs.empty()) continue;  // nothing to compare with; the count of runs says so
        shorts += costs.size();
        length.cost.push_back(longer->at("cpu") * 1e9 / static_cast<double>(length.events));
        length.beside.push_back(Median(costs));
        length.memory = std::max(length.memory, longer->at("memory"));
      }
    }
    absl::PrintF(
        "\nGC reclaim, 10,000 live objects, CPU ns an event, medians; beside each run others of %d "
        "events (%d in all) on the same processor; peak memory\n%38s%9s%10s\n",
        kShort, shorts, "", "beside it", "ratio");
    double least = 1, most = 1;  // of what an event costs, in those of short runs
    for (const Length& length : lengths) {
      if (length.cost.empty()) continue;
      std::vector<double> ratios;
      for (size_t i = 0; i < length.cost.size(); ++i) {
        ratios.push_back(length.beside[i] / length.cost[i]);
      }
      const double ratio = Median(ratios);
      absl::PrintF("%12d events%9.1f (%d runs)%9.1f%10.2f%10.1f MiB\n", length.events,
                   Median(length.cost), length.cost.size(), Median(length.beside), ratio,
                   length.memory / 1048576);
      least = std::min(least, 1 / ratio);
      most = std::max(most, 1 / ratio);
    }
    absl::PrintF("dearest / cheapest: %.2f (at most 1.5)\n", most / least);
    return absl::OkStatus();
  }

  const Options options_;
  std::string self_, native_, directory_;
  std::vector<Size> sizes_;
  std::map<std::string, Figures> made_, with_sites_;  // by size
  // By size, program or task, and name: a figure a round.
  std::map<std::string, std::map<std::string, std::map<std::string, std::vector<double>>>> rounds_;
  std::map<std::string, bool> absent_;
};

int Main(int argc, char** argv) {
  CLI::App app("Replay beside the allocators themselves.");
  Options options;
  app.add_option("--events", options.events, "of each trace")->capture_default_str();
  app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 99))->capture_default_str();
  app.add_option("--sizes", options.sizes,
                 "small (10 thousand live objects), medium (1 million), "
                 "large (20 million)")
      ->delimiter(',')
      ->check(CLI::IsMember({"small", "medium", "large"}));
  app.add_option("--parts", options.parts, "replay, decode (and import), steady")
      ->delimiter(',')
      ->check(CLI::IsMember({"replay", "decode", "steady"}));
  app.add_flag("--quick", options.quick,
               "a look: 5 million events, 1 round, large has 2 million objects");
  ChildTask task;
  app.add_option("--child", task.name)->group("");
  app.add_option("--trace", task.trace)->group("");
  app.add_option("--ops", task.ops)->group("");
  app.add_option("--policy", task.policy)->group("");
  app.add_option("--live", task.live_objects)->group("");
  CLI11_PARSE(app, argc, argv);

  absl::Status status;
  if (!task.name.empty()) {
    task.events = options.events;
    status = RunChild(task);
  } else {
    if (options.quick) {
      options.events = std::min<uint64_t>(options.events, 5'000'000);
      options.rounds = 1;
    }
    // Lines appear as they are made, also in a file.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    status = Bench(options).Run();
  }
  if (!status.ok()) {
    absl::FPrintF(stderr, "replay_bench: %s\n", status.message());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace heapsim::bench

int main(int argc, char** argv) { return heapsim::bench::Main(argc, argv); }
