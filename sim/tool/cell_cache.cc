#include "sim/tool/cell_cache.h"

#include <xxhash.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "analysis/output_file.h"
#include "sim/policies/settings.h"
#include "sim/tool/read_file.h"
#include "sim/tool/version.h"
#include "traces/io/byte_source.h"

namespace heapsim::sim {
namespace {

std::string Text(const XXH128_hash_t& hash) {
  return absl::StrCat(absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

}  // namespace

absl::StatusOr<std::string> HashFile(const std::string& path) {
  absl::StatusOr<std::unique_ptr<traces::ByteSource>> source = traces::OpenFile(path);
  if (!source.ok()) return source.status();
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::string buffer(1 << 20, '\0');
  for (;;) {
    absl::StatusOr<size_t> got = (*source)->Read(buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return Text(XXH3_128bits_digest(state.get()));
    XXH3_128bits_update(state.get(), buffer.data(), *got);
  }
}

const std::string& OwnBuild() {
  static const std::string* const build =
      new std::string(absl::StrCat(kVersion, " ", HashFile("/proc/self/exe").value_or("unknown")));
  return *build;
}

absl::StatusOr<CellCache> CellCache::Open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--resume: ", folder, " is no folder and cannot be made one: ", error.message(),
        "; check path and permissions"));
  }
  return CellCache(folder);
}

std::string CellCache::Key(absl::string_view trace, const proto::Policy& policy,
                           const ReplayOptions& options, const DetailRequest* detail) {
  std::string text = absl::StrCat("version ", OwnBuild(), "\ntrace ", trace, "\n");
  for (const Setting& setting : ListSettings(policy)) {
    absl::StrAppend(&text, setting.path, "=", setting.value, "\n");
  }
  absl::StrAppend(&text, "seed ", options.seed, "\nsettle ", options.settle_ns, "\ntime ",
                  options.time_by_events, "\nsamples ", options.samples, "\noom ",
                  options.continue_on_oom, "\n");
  for (const uint64_t event : options.release_at) absl::StrAppend(&text, "release ", event, "\n");
  if (detail != nullptr) {
    absl::StrAppend(&text, "detail ", detail->samples, " ", detail->options.limits.map_cells, " ",
                    detail->options.limits.sites, " ", detail->options.marks, "\n");
  }
  return Text(XXH3_128bits(text.data(), text.size()));
}

bool CellCache::Has(const std::string& key) const {
  std::error_code error;
  return std::filesystem::exists(absl::StrCat(folder_, "/", key, ".cell"), error);
}

std::optional<proto::Result> CellCache::Find(const std::string& key) const {
  const absl::StatusOr<std::string> bytes =
      ReadFile(absl::StrCat(folder_, "/", key, ".cell"), "a finished cell");
  proto::Result result;
  // Empty text is a valid message, but none that was stored.
  if (!bytes.ok() || bytes->empty() || !result.ParseFromString(*bytes)) return std::nullopt;
  return result;
}

absl::Status CellCache::Store(const std::string& key, const proto::Result& result) const {
  // Two cells may have the same key (a policy under two names), but not the same file at once. Who
  // comes second replaces the file by its equal.
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  absl::StatusOr<analysis::OutputFile> file =
      analysis::OutputFile::Create(absl::StrCat(folder_, "/", key, ".cell"));
  if (!file.ok()) return file.status();
  return file->Commit(result.SerializeAsString());
}

}  // namespace heapsim::sim
