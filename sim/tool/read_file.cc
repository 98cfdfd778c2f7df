#include "sim/tool/read_file.h"

#include <errno.h>
#include <string.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace heapsim::sim {

absl::StatusOr<std::string> ReadFile(const std::string& path, absl::string_view what) {
  const auto unreadable = [&](absl::string_view why) {
    return absl::NotFoundError(
        absl::StrCat(path, ": ", what, " cannot be read: ", why, "; check path and permissions"));
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return unreadable("it is a folder");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) return unreadable(strerror(errno));
  std::string text;
  char buffer[1 << 16];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, got);
  }
  if (std::ferror(file.get()) != 0) return unreadable(strerror(errno));
  return text;
}

}  // namespace heapsim::sim
