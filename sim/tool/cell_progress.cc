#include "sim/tool/cell_progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace heapsim::sim {
namespace {

constexpr std::chrono::milliseconds kEvery{100};
constexpr size_t kBarWidth = 30;

}  // namespace

std::string CellProgressText(size_t done, size_t reused, size_t total, double seconds) {
  const size_t filled = total == 0 ? kBarWidth : done * kBarWidth / total;
  std::string text =
      absl::StrCat("[", std::string(filled, '='), std::string(kBarWidth - filled, ' '), "] ", done,
                   " of ", total, " cells");
  if (done > reused) {
    absl::StrAppendFormat(
        &text, ", %.0f s left",
        seconds / static_cast<double>(done - reused) * static_cast<double>(total - done));
  }
  return text;
}

CellProgress::CellProgress(size_t total)
    : total_(total), shown_(isatty(STDERR_FILENO) != 0), start_(Clock::now()), next_(start_) {}

CellProgress::~CellProgress() {
  if (printed_) std::fputs("\r\033[K", stderr);
}

void CellProgress::CellDone(bool reused) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++done_;
  reused_ += reused;
  const Clock::time_point now = Clock::now();
  if (!shown_ || now < next_) return;
  next_ = now + kEvery;
  printed_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  absl::FPrintF(stderr, "\r\033[K%s", CellProgressText(done_, reused_, total_, seconds));
}

}  // namespace heapsim::sim
