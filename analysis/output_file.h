// Files that appear whole or not at all.
#ifndef HEAPSIM_ANALYSIS_OUTPUT_FILE_H_
#define HEAPSIM_ANALYSIS_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace heapsim::analysis {

// An output that was asked for by path. What is written lies in a temporary file beside it until
// Commit, so that an error is known before the work and a path never holds half a result.
class OutputFile {
 public:
  // Fails, naming the path, where the file could not be written. A path to something that is no
  // regular file (a device, a pipe) is opened and written directly, and so is "-", standard output.
  static absl::StatusOr<OutputFile> Create(absl::string_view path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  // Without a Commit nothing remains.
  ~OutputFile();

  // Writes `text` and gives the file its name. Once only.
  absl::Status Commit(absl::string_view text);

  const std::string& path() const { return path_; }

 private:
  OutputFile(std::string path, std::string target, std::string temporary, int fd);
  void Discard();

  std::string path_;       // as asked for
  std::string target_;     // where links lead
  std::string temporary_;  // empty: written directly
  int fd_;                 // -1: done
};

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_OUTPUT_FILE_H_
